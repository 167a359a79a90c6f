// The histogram of weights with its two handles. They move here; the server hears of a release.
//
// A position is a place in the table that came along, with a fraction: 12.25 lies a quarter of the
// way from row 12 to row 13. `scale` is what the slider on the page says in each row.

const PATIENCE = 400; // milliseconds after the last key that count as letting go
const FLAG = 160; // pixels that the flag beside the line takes
const PAGE = 10; // steps of Page Up and Page Down
const KEYS = {
  ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -PAGE, PageUp: PAGE,
  Home: -Infinity, End: Infinity,
};
const pictures = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  if (!pictures.has(parentElement)) pictures.set(parentElement, makePicture(parentElement));
  const picture = pictures.get(parentElement);
  picture.take(data, (moved) => setTriggerValue("moved", moved));
  return picture.leave;
}

function makePicture(root) {
  const part = (name) => root.querySelector(`.${name}`);
  const figure = part("picture");
  let data, table, send, now, held = null, frame = 0, timer = 0;

  function take(newData, newSend) {
    [data, send, table] = [newData, newSend, newData.table];
    colour(figure);
    figure.classList.toggle("moving", table !== null);
    drawBars();
    write("off", data.off);
    if (table === null) {
      drawValues(data.values);
      write("sentence", data.sentence);
    } else if (held === null && timer === 0) {
      now = { value: data.value, bits: data.bits };
      part("cut").setAttribute("aria-label", data.words.cut);
      part("notches").setAttribute("aria-label", data.words.bits);
      drawNotches();
      draw();
    }
  }

  function drawBars() {
    const { edges, original, kept, gone } = data;
    const bound = edges.at(-1);
    const both = kept.map((count, i) => count + gone[i]);
    const top = 1.05 * Math.max(1, ...original, ...both);
    const x = (size) => (500 * (size / bound + 1)).toFixed(2);
    const y = (count) => (100 * (1 - count / top)).toFixed(3);
    const steps = (counts) => counts.map((n, i) => `${x(edges[i])},${y(n)} ${x(edges[i + 1])},${y(n)}`);
    const none = kept.map(() => 0);
    const area = (low, high) => `M${steps(high).join("L")}L${steps(low).join(" ").split(" ").reverse().join("L")}Z`;
    part("kept").setAttribute("d", area(none, table ? both : kept));
    part("gone").setAttribute("d", area(table ? none : kept, both));
    part("original").setAttribute("d", `M${steps(original).join("L")}`);
    const counts = ticks(0, top, 4), sizes = ticks(-bound, bound, 8);
    part("grid").setAttribute("d", counts.map((n) => `M0,${y(n)}H1000`).join(""));
    fill("counts", counts, (n) => [amount(n, data.words), `bottom: ${100 - y(n)}%`]);
    fill("sizes", sizes, (size) => [signed(size), `left: ${x(size) / 10}%`]);
    part("sizes").childNodes.forEach((tick, i) => tick.classList.toggle("minor", i % 2 !== (sizes.length - 1) / 2 % 2));
    write("axis", data.words.axis);
    part("legend").replaceChildren(...Object.entries(data.words.legend).map(([name, word]) => {
      const entry = document.createElement("span");
      entry.dataset.role = name;
      entry.textContent = word;
      return entry;
    }));
  }

  function drawValues(values) {
    const bound = data.edges.at(-1);
    const seen = values.filter((value) => Math.abs(value) <= bound);
    const path = seen.map((value) => `M${(500 * (value / bound + 1)).toFixed(2)},0V100`).join("");
    part("values").setAttribute("d", path);
    figure.classList.toggle("ruled", seen.length > 0);
  }

  function drawNotches() {
    figure.style.setProperty("--choices", table.bits.length);
    write("name", data.words.bits_name);
    fill("notches", table.bits, (bits, i) => [data.words.notches[i], ""]);
    part("notches").childNodes.forEach((stop) => { stop.className = "stop"; });
  }

  // Everything that a moved handle changes.
  function draw() {
    const { words } = data;
    const half = part("field").clientWidth / 2; // read before anything is written
    const at = find(table.scale, now.value);
    const cut = data.field === "threshold" ? now.value : read(table.thresholds, at);
    const gone = read(table.gone, at), energy = read(table.energy, at);
    const moved = now.value !== data.value || now.bits !== data.bits;
    const choice = table.bits.indexOf(now.bits);
    const share = moved ? gone : data.removed;
    const place = Math.min(1, cut / table.edges.at(-1));
    figure.style.setProperty("--cut", place);
    figure.classList.toggle("far", (1 - place) * half < FLAG);
    figure.classList.toggle("estimated", moved);
    write("flag", words.flag.replace("{cut}", three(cut)));
    const lost = share > 0 ? words.gone.replace("{share}", percent(share)).replace("{energy}", percent(energy)) : words.whole;
    write("sentence", `${lost} ${words.allowed[choice]}`);
    drawValues(now.bits === data.bits ? data.values : table.lines[choice]);
    [...part("notches").childNodes].forEach((stop, i) => stop.toggleAttribute("aria-current", i === choice));
    describe(part("cut"), now.value, data.lowest, data.highest, words.spoken.replace("{share}", percent(share)).replace("{cut}", three(cut)));
    describe(part("notches"), choice, 0, table.bits.length - 1, words.spoken_bits[choice]);
    drawBytes(moved, at, choice);
  }

  function drawBytes(moved, at, choice) {
    const { words } = data;
    const row = table.packed[choice];
    const known = !moved || row !== null;
    const bytes = !moved ? data.packed_bytes : known ? read(row, at) : 0;
    const about = moved ? "≈ " : "";
    figure.style.setProperty("--part", known ? Math.min(1, bytes / data.fp32_bytes) : 0);
    write("size", known ? words.bytes.replace("{size}", about + size(bytes, words))
      .replace("{ratio}", `${about}${three(data.fp32_bytes / bytes)}×`) : words.unknown);
    write("badge", moved ? words.estimated : words.measured);
  }

  function soon() {
    frame ||= requestAnimationFrame(() => { frame = 0; draw(); });
  }

  function release() {
    held = null;
    clearTimeout(timer);
    timer = 0;
    if (now.value !== data.value || now.bits !== data.bits)
      send({ [data.field]: now.value, weight_bits: now.bits });
  }

  function toStep(value) {
    const steps = Math.round((value - data.lowest) / data.step);
    const exact = data.lowest + steps * data.step;
    return Math.min(data.highest, Math.max(data.lowest, Number(exact.toFixed(6))));
  }

  function valueAt(event) {
    const box = part("field").getBoundingClientRect();
    const cut = Math.abs((event.clientX - box.left) / box.width * 2 - 1) * data.edges.at(-1);
    return toStep(data.field === "threshold" ? cut : read(table.scale, find(table.thresholds, cut)));
  }

  function bitsAt(event) {
    const box = part("notches").getBoundingClientRect();
    const place = Math.floor((event.clientX - box.left) / box.width * table.bits.length);
    return table.bits[Math.min(table.bits.length - 1, Math.max(0, place))];
  }

  function grab(area, handle, move) {
    area.addEventListener("pointerdown", (event) => {
      if (!table || event.button !== 0) return;
      held = handle;
      area.setPointerCapture(event.pointerId);
      handle.focus({ preventScroll: true });
      event.preventDefault();
      move(event);
      soon();
    });
    area.addEventListener("pointermove", (event) => {
      if (held !== handle) return;
      move(event);
      soon();
    });
    area.addEventListener("pointerup", (event) => { if (held === handle) { move(event); draw(); release(); } });
    area.addEventListener("pointercancel", () => {
      // The page scrolls instead.
      held = null;
      now = { value: data.value, bits: data.bits };
      soon();
    });
  }

  function listen(handle, move) {
    handle.addEventListener("keydown", (event) => {
      if (!(event.key in KEYS) || !table) return;
      event.preventDefault();
      move(KEYS[event.key]);
      soon();
      clearTimeout(timer);
      timer = setTimeout(release, PATIENCE);
    });
    handle.addEventListener("blur", () => { if (timer) release(); });
  }

  function hint(event) {
    const box = part("field").getBoundingClientRect();
    const i = Math.floor((event.clientX - box.left) / box.width * data.original.length);
    const [from, to] = [data.edges[i], data.edges[i + 1]];
    const count = (data.kept[i] + data.gone[i]).toLocaleString("en-US");
    root.querySelector("title").textContent = `${signed(from, 3)} … ${signed(to, 3)}: ${count}`;
  }

  function write(name, text) {
    const place = part(name);
    if (place.textContent !== text) place.textContent = text;
  }

  function fill(name, values, describe) {
    part(name).replaceChildren(...values.map((value, i) => {
      const [text, style] = describe(value, i);
      const mark = document.createElement("span");
      mark.textContent = text;
      mark.style.cssText = style;
      return mark;
    }));
  }

  grab(part("field"), part("cut"), (event) => { now.value = valueAt(event); });
  grab(part("notches"), part("notches"), (event) => { now.bits = bitsAt(event); });
  listen(part("cut"), (steps) => {
    now.value = toStep(Math.min(data.highest, Math.max(data.lowest, now.value + steps * data.step)));
  });
  listen(part("notches"), (steps) => {
    const last = table.bits.length - 1;
    now.bits = table.bits[Math.min(last, Math.max(0, table.bits.indexOf(now.bits) + Math.sign(steps) * Math.min(Math.abs(steps), last)))];
  });
  part("field").addEventListener("pointermove", (event) => { if (held === null) hint(event); });
  return { take, leave: () => clearTimeout(timer) };
}

// The theme's colours, in the order of the words of the legend.
function colour(figure) {
  const colours = getComputedStyle(figure).getPropertyValue("--st-chart-categorical-colors").split(",");
  ["original", "kept", "gone"].forEach((role, i) => figure.style.setProperty(`--${role}`, colours[i]));
}

function describe(slider, value, lowest, highest, text) {
  slider.setAttribute("aria-valuemin", lowest);
  slider.setAttribute("aria-valuemax", highest);
  slider.setAttribute("aria-valuenow", value);
  slider.setAttribute("aria-valuetext", text);
}

// The position of a value in an ascending list, with a fraction; the first one of equal values.
export function find(list, value) {
  let low = 0, high = list.length - 1;
  if (value <= list[0]) return 0;
  if (value > list[high]) return high;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle; else high = middle;
  }
  return low + (value - list[low]) / (list[high] - list[low]);
}

export function read(list, position) {
  const low = Math.floor(position), high = Math.min(low + 1, list.length - 1);
  return list[low] + (position - low) * (list[high] - list[low]);
}

// Round numbers from low to high, about so many.
export function ticks(low, high, about) {
  const rough = (high - low) / about, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((round) => round * power >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

const FORMATS = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((digits) =>
  new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }));

// The same texts as in words.py.
export function three(value) {
  if (value === 0 || !Number.isFinite(value)) return value === 0 ? "0" : "–";
  const rounded = Number(value.toPrecision(3));
  const digits = 2 - Math.floor(Math.log10(Math.abs(rounded)));
  return FORMATS[Math.min(8, Math.max(0, digits))].format(rounded).replace("-", "−");
}

export function size(bytes, words) {
  for (const [unit, factor] of [[words.mega, 1e6], [words.kilo, 1e3]])
    if (bytes >= factor * 0.9995) return `${three(bytes / factor)} ${unit}`;
  return `${FORMATS[0].format(bytes)} ${words.byte}`;
}

export function percent(fraction) {
  return `${(100 * fraction).toFixed(1)} %`;
}

function amount(count, words) {
  for (const [unit, factor] of [[words.millions, 1e6], [words.thousands, 1e3]])
    if (count >= factor) return `${Number((count / factor).toPrecision(3))} ${unit}`;
  return String(count);
}

function signed(value, digits) {
  return (digits ? three(value) : String(value)).replace("-", "−");
}
