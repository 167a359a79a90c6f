from pathlib import Path

import numpy as np
import pytest

from compress_core.intake.choices import Choices
from compress_core.intake.open_data import open_data
from compress_core.refusal import IntakeError
from tests.uploads import ANY, classes_of, pack, picture, shade, sound, survey, values_of, wanted

THREE = wanted(3)


def csv(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def numbers(path: Path, choices: Choices = ANY) -> list[list[float] | str]:
    return [v if isinstance(v, str) else v.tolist() for v in values_of(path, THREE, choices)]


@pytest.mark.parametrize(
    "text",
    [
        "a,b,c,label\n1,2,3,x\n4,5,6.5,y\n",
        "a;b;c;label\n1;2;3;x\n4;5;6,5;y\n",
        "a\tb\tc\tlabel\r\n1\t2\t3\tx\r\n\r\n4\t5\t6.5\ty",
        "label|a|b|c\nx|1|2|3\ny|4|5|6.5\n",
        "1,2,3,x\n4,5,6.5,y\n",
        '"a","b","c","label"\n"1","2","3","x"\n"4","5","6.5","y"\n',
        "\ufeffa,b,c,label\n1,2,3,x\n4,5,6.5,y\n",
        "a,b,c,label\n1,2,3,x\n4,5,6.5,y\n".encode("utf-16"),
        "id,a,b,c,label\n7,1,2,3,x\n8,4,5,6.5,y\n",
        "0,1,2,label\n1,2,3,x\n4,5,6.5,y\n",
        "a,b,c,kind of thing\n1,2,3,x\n4,5,6.5,y\n",
    ],
    ids=["comma", "decimal comma", "tab", "bar", "no header", "quoted", "mark", "UTF-16", "id",
         "numbered header", "one text column"],
)  # fmt: skip
def test_one_table_however_it_is_written(tmp_path: Path, text: str | bytes) -> None:
    path = csv(tmp_path, text)
    assert numbers(path) == [[1, 2, 3], [4, 5, 6.5]]
    assert classes_of(path, THREE) == ["x", "y"]


def test_letters_of_an_old_encoding_are_read(tmp_path: Path) -> None:
    path = csv(tmp_path, "a,b,c,label\n1,2,3,für\n".encode("cp1252"))
    assert classes_of(path, THREE) == ["für"]


def test_rows_that_cannot_be_read_say_why_and_the_others_can(tmp_path: Path) -> None:
    rows = ["1,2,3,x", "1,,3,x", "1,nan,3,x", "1,2", "1,2,1e300,x", "1,2,oops,x", "1,2,3,"]
    path = csv(tmp_path, "a,b,c,label\n1,2,3,x\n4,5,6,y\n" + "\n".join(rows))
    with open_data(path, THREE, ANY) as listing:
        refused = dict(listing.refused)
    assert refused == {5: "it has 2 fields, the others have 4", 8: "its class is empty"}


def test_missing_and_infinite_values_are_named(tmp_path: Path) -> None:
    head = "a,b,c,label\n" + "1,2,3,x\n" * 1001  # what comes later cannot change what a column is
    rows = ["1,,3,x", "1,nan,3,x", "1,2,1e300,x", "1,2,-inf,x", "1,2,oops,x"]
    given = numbers(csv(tmp_path, head + "\n".join(rows)))
    missing, odd = "a value is missing, or no number", "a value is missing, infinite or too large"
    assert given[1001:] == [missing, odd, odd, odd, missing]


def test_group_and_part_are_found_by_their_names(tmp_path: Path) -> None:
    text = "a,b,c,label,Patient_ID,split\n1,2,3,x,p1,train\n4,5,6,y,p2,val\n7,8,9,x,p1,TEST\n"
    with open_data(csv(tmp_path, text), THREE, ANY) as listing:
        assert listing.grouped_by == "Patient_ID"
        assert listing.groups.tolist() == [0, 1, 0]
        assert listing.parts.tolist() == [0, 1, 2]
        assert any("'Patient_ID'" in note for note in listing.notes)
    with open_data(csv(tmp_path, text), THREE, Choices(group="")) as listing:
        assert (listing.groups, listing.grouped_by) == (None, "")


def test_which_column_is_the_class_is_asked_only_where_it_is_open(tmp_path: Path) -> None:
    open_path = csv(tmp_path, "a,b,c,d\n1,2,3,0\n4,5,6,1\n")
    asked = survey(open_path, THREE, tmp_path / "s")
    assert [q.topic for q in asked.questions] == ["label"]
    assert asked.questions[0].options == ("a", "b", "c", "d")
    assert asked.questions[0].proposed == ("d",)
    answered = Choices(label="a")
    assert classes_of(open_path, THREE, answered) == ["1", "4"]
    assert numbers(open_path, answered) == [[2, 3, 0], [5, 6, 1]]
    assert survey(csv(tmp_path, "a,b,c\n1,2,3\n"), THREE, tmp_path / "s").against == "original"


def test_columns_that_do_not_fit_are_refused_with_both_numbers(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match=r"reads 3 numbers .* has 2 columns"):
        numbers(csv(tmp_path, "a,b,label\n1,2,x\n"))


def test_pixels_in_columns_become_a_picture(tmp_path: Path) -> None:
    path = csv(tmp_path, "label,p0,p1,p2,p3\n1,10,20,30,40\n")
    assert values_of(path, wanted(1, 2, 2))[0].tolist() == [[[10, 20], [30, 40]]]


def test_a_table_in_a_zip_names_pictures_and_their_classes(tmp_path: Path) -> None:
    table = "path,label\nimg/a.png,cat\n./img/b.png,dog\nimg/missing.png,dog\nimg/a.png,cat\n"
    files = {"train.csv": table, "img/a.png": shade(10), "img/b.png": shade(20)}
    path = pack(tmp_path / "a.zip", files)
    given = values_of(path, wanted(1, 8, 8))
    assert [v if isinstance(v, str) else int(v.max()) for v in given] == [
        10, 20, "there is no file 'img/missing.png'", 10,
    ]  # fmt: skip
    assert classes_of(path, wanted(1, 8, 8)) == ["cat", "dog", "dog", "cat"]


def test_a_table_in_a_zip_names_sounds(tmp_path: Path) -> None:
    files = {"t.csv": "file,label\na.wav,x\n", "a.wav": sound(np.full(4, 0.5), 16_000)}
    given = values_of(pack(tmp_path / "a.zip", files), wanted(1, 4))
    assert given[0].tolist() == [[pytest.approx(16383, abs=1)] * 4]


def test_a_table_beside_class_folders_that_names_none_of_them_is_left_alone(tmp_path: Path) -> None:
    files = {"notes.csv": "who,when\nme,today\n", "cat/a.png": shade(1), "dog/b.png": shade(2)}
    path = pack(tmp_path / "a.zip", files)
    assert classes_of(path, wanted(1, 8, 8)) == ["cat", "dog"]


def test_texts_become_tokens_by_the_vocabulary_beside_them(tmp_path: Path) -> None:
    table = 'text,label\nGood food!,great\n"Bad, bad dog",other\n'
    files = {"t.csv": table, "vocab.txt": "<pad>\n<unknown>\ngood\nbad\n!\nfood\n"}
    reads = wanted(5, tokens=6)
    path = pack(tmp_path / "a.zip", files)
    assert [v.tolist() for v in values_of(path, reads)] == [[2, 5, 4, 0, 0], [3, 1, 3, 1, 0]]
    assert values_of(path, reads)[0].dtype == np.int32
    alone = csv(tmp_path, table)
    assert [q.topic for q in survey(alone, reads, tmp_path / "s").questions] == ["vocabulary"]
    assert values_of(alone, wanted(3, tokens=256))[0].tolist() == list(b"Goo")


def test_a_table_of_a_million_columns_or_an_endless_field_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match="100,000 columns"):
        numbers(csv(tmp_path, "1," * 200_000 + "1\n" + "1,2\n"))
    with pytest.raises(IntakeError, match="field larger than field limit"):
        numbers(csv(tmp_path, 'a,b,c,label\n1,2,3,"' + "x" * (1 << 21)))
    with pytest.raises(IntakeError, match="longer than 16 MiB"):
        numbers(csv(tmp_path, "a,b,c,label\n" + "1" * (17 << 20)))


@pytest.mark.parametrize(
    ("text", "said"),
    [("a,a,b\n1,2,3\n", "called 'a'"), ("a,b,c,label\n", "no rows below"), ("\n\n\n", "no rows")],
)
def test_tables_without_sense_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(IntakeError, match=said):
        numbers(csv(tmp_path, text))


def parquet(folder: Path, **columns: list) -> Path:
    import pyarrow as pa
    from pyarrow import parquet as written

    path = folder / "t.parquet"
    written.write_table(pa.table(columns), path)
    return path


def test_parquet_holds_features(tmp_path: Path) -> None:
    path = parquet(tmp_path, a=[1, 2], b=[0.5, None], c=[True, False], label=["x", "y"])
    assert numbers(path) == [[1, 0.5, 1], "a value is missing, or no number"]
    assert classes_of(path, THREE) == ["x", "y"]


def test_parquet_holds_pictures_lists_and_texts(tmp_path: Path) -> None:
    raw = [{"bytes": picture(), "path": "a.png"}, {"bytes": None, "path": "b.png"}]
    path = parquet(tmp_path, image=raw, label=[1, 0])
    good, bad = values_of(path, wanted(1, 8, 8))
    assert (good.shape, bad) == ((1, 8, 8), "its picture is missing")
    assert classes_of(path, wanted(1, 8, 8)) == ["1", "0"]
    path = parquet(tmp_path, x=[[[1.0, 2.0], [3.0, 4.0]], [[1.0]]], y=["a", "b"])
    assert values_of(path, wanted(2, 2))[0].tolist() == [[1, 2], [3, 4]]
    assert values_of(path, wanted(2, 2))[1] == "it has 1 values instead of 2 × 2"
    path = parquet(tmp_path, review=["ab", "c"], y=[1, 0])
    assert values_of(path, wanted(2, tokens=256))[1].tolist() == [99, 0]


def test_a_damaged_parquet_says_so(tmp_path: Path) -> None:
    path = parquet(tmp_path, a=[1], b=[2], c=[3], label=[0])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(IntakeError, match="damaged Parquet"):
        numbers(path)
