// A sheet of paper to draw on, with a pointer, a finger or the keyboard. The server gets the
// drawing as a PNG when a line ends.
//
// A line is {width, points}; points are canvas pixels. Arrows move a cursor, the space bar puts the
// pen down and lifts it.

const STEP = 8; // canvas pixels that an arrow key moves the cursor
const PATIENCE = 400; // milliseconds after the last key that count as the end of a line
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const pads = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  if (!pads.has(parentElement)) pads.set(parentElement, makePad(parentElement));
  const pad = pads.get(parentElement);
  pad.take(data, (drawing) => setStateValue("drawing", drawing));
  return pad.leave;
}

function makePad(root) {
  const part = (name) => root.querySelector(name);
  const figure = part(".pad"), canvas = part("canvas"), cursor = part(".cursor");
  const pens = [...root.querySelectorAll(".pen")];
  const ink = canvas.getContext("2d");
  let lines = [], line = null, at = [160, 160], down = false, pen = 1, timer = 0, data, send;

  function take(newData, newSend) {
    const words = newData.words;
    [data, send] = [newData, newSend];
    canvas.setAttribute("aria-label", words.name);
    canvas.setAttribute("aria-description", words.keys);
    part(".pens").setAttribute("aria-label", words.pens);
    part(".tools").setAttribute("aria-label", words.tools);
    pens.forEach((button, i) => {
      button.setAttribute("aria-label", words.pen_names[i]);
      button.title = words.pen_names[i];
      button.firstElementChild.style.cssText = `width:${6 + 5 * i}px;height:${6 + 5 * i}px`;
    });
    part(".undo").textContent = words.undo;
    part(".clear").textContent = words.clear;
    part(".empty").textContent = words.empty;
    part(".keys").textContent = words.keys;
    draw();
  }

  function draw() {
    ink.fillStyle = "#fff";
    ink.fillRect(0, 0, canvas.width, canvas.height);
    ink.strokeStyle = ink.fillStyle = "#000";
    ink.lineCap = ink.lineJoin = "round";
    for (const { width, points } of line ? [...lines, line] : lines) {
      ink.lineWidth = width;
      ink.beginPath();
      ink.moveTo(...points[0]);
      // A line of no length is a dot.
      for (const point of points.length > 1 ? points : [...points, points[0]]) ink.lineTo(...point);
      ink.stroke();
    }
    figure.classList.toggle("drawn", lines.length > 0 || line !== null);
    part(".undo").disabled = part(".clear").disabled = lines.length === 0;
    pens.forEach((button, i) => {
      button.setAttribute("aria-checked", i === pen);
      button.tabIndex = i === pen ? 0 : -1;
    });
    cursor.style.left = `${100 * at[0] / canvas.width}%`;
    cursor.style.top = `${100 * at[1] / canvas.height}%`;
    cursor.classList.toggle("down", down);
  }

  function tell() {
    clearTimeout(timer);
    timer = 0;
    send(lines.length ? canvas.toDataURL("image/png") : "");
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(tell, PATIENCE);
  }

  function begin(point) {
    line = { width: data.pens[pen], points: [point] };
    draw();
  }

  function end() {
    if (line) lines.push(line);
    line = null;
    draw();
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    const bound = (value, most) => Math.min(most, Math.max(0, value));
    return [
      bound((event.clientX - box.left) / box.width * canvas.width, canvas.width),
      bound((event.clientY - box.top) / box.height * canvas.height, canvas.height),
    ];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    figure.classList.remove("keyboard");
    if (down) end();
    down = false;
    clearTimeout(timer);
    begin(place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!line || down || !canvas.hasPointerCapture(event.pointerId)) return;
    // All places between two frames, where the browser tells them: curves stay round.
    const between = event.getCoalescedEvents?.() ?? [];
    for (const each of between.length ? between : [event]) line.points.push(place(each));
    draw();
  });
  for (const name of ["pointerup", "pointercancel"])
    canvas.addEventListener(name, () => {
      if (!line || down) return;
      end();
      soon();
    });

  canvas.addEventListener("keydown", (event) => {
    const step = ARROWS[event.key];
    if (step) {
      const [x, y] = at.map((value, i) => Math.min(320, Math.max(0, value + STEP * step[i])));
      at = [x, y];
      if (down) line.points.push(at);
    } else if (event.key === " " || event.key === "Enter") {
      down = !down;
      if (down) {
        clearTimeout(timer);
        begin(at);
      } else {
        end();
        soon();
      }
    } else if (event.key === "Backspace" || (event.key === "z" && (event.ctrlKey || event.metaKey))) {
      undo();
    } else if (event.key === "Delete") {
      clear();
    } else {
      return;
    }
    figure.classList.add("keyboard");
    event.preventDefault();
    draw();
  });
  canvas.addEventListener("blur", () => {
    if (down) {
      down = false;
      end();
      soon();
    }
    figure.classList.remove("keyboard");
  });

  function undo() {
    lines.pop();
    draw();
    tell();
  }

  function clear() {
    lines = [];
    [line, down] = [null, false];
    draw();
    tell();
  }

  function choose(i) {
    pen = i;
    draw();
  }

  pens.forEach((button, i) => {
    button.addEventListener("click", () => choose(i));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      choose((i + step + pens.length) % pens.length);
      pens[pen].focus();
    });
  });
  part(".undo").addEventListener("click", undo);
  part(".clear").addEventListener("click", clear);
  return { take, leave: () => clearTimeout(timer) };
}
