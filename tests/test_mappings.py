"""Files of saved mappings: what may be in them, and which of them holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from importer.errors import ColumnsError, SettingsError
from importer.mappings import fitting, load_all, place_of, read_mapping, resolve, saved, write
from importer.mappings.writing import to_toml
from importer.match import match
from importer.model import Making, Reading, SavedMapping, Styles, layout
from schemas.meanings import tell_shortly

MEANINGS = tell_shortly("customer")
DOCUMENT = Path(__file__).parent.parent / "docs" / "mapping.md"
WHOLE = SavedMapping(
    target="customer",
    headers=("Nr", "Kunde", 'Sagt "so"', "PLZ/Ort", "Straße", "Hausnr"),
    reading=Reading("OP-Liste", "cp1252", ";", 3, "skip"),
    columns={"Nr": "creditorReference", "Kunde": "debtor.name"},
    constants={"debtor.type": "Company", "currencyCode": "EUR"},
    making=Making(
        splits={"PLZ/Ort": "{debtor.zipCode} {debtor.city}"},
        joins={"debtor.address": "{Straße} {Hausnr}"},
        values={"debtor.country": {"Dänemark": "DK", "": "DE"}},
        ignored=('Sagt "so"',),
    ),
    styles=Styles({"amountToRecover": "comma"}, {"date": "dmy"}),
)


def written(folder: Path, text: str, name: str = "ours") -> Path:
    path = folder / "mappings" / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read_mapping(written(folder, text))
    return str(caught.value)


def test_a_mapping_says_columns_constants_and_styles(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[columns]\n"Rg-Nr" = "creditorReference"\n[constants]\ncurrencyCode = "EUR"\n'
        '[decimal]\namountToRecover = "comma"\n[date_order]\ndate = "dmy"\n',
    )

    assert read_mapping(path) == SavedMapping(
        columns={"Rg-Nr": "creditorReference"},
        constants={"currencyCode": "EUR"},
        styles=Styles({"amountToRecover": "comma"}, {"date": "dmy"}),
    )


def test_what_is_saved_is_read_again_as_it_was(tmp_path: Path) -> None:
    text = to_toml(
        WHOLE, schemas.load("customer"), MEANINGS, source="June\n2026.csv", missing=["x or y"], unused={"A\nB": ""}
    )

    assert read_mapping(written(tmp_path, text)) == WHOLE


@given(texts=st.lists(st.text(min_size=1, max_size=30), min_size=4, max_size=4, unique=True))
@settings(max_examples=60)
def test_whatever_the_headers_and_words_are_they_are_read_again(
    texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    one, two, three, four = texts
    mapping = SavedMapping(
        target="customer",
        headers=(one, two),
        columns={one: "debtor.name"},
        constants={"comments": three},
        making=Making({two: four}, {"debtor.address": four}, {"debtor.type": {one: two, three: four}}, (four,)),
    )
    text = to_toml(mapping, schemas.load("customer"), MEANINGS, source=four, missing=[], unused={three: one})
    path = tmp_path_factory.getbasetemp() / "any.toml"
    write(path, text)

    assert read_mapping(path) == mapping


def test_a_saved_mapping_says_what_each_field_means_and_what_is_missing() -> None:
    target = schemas.load("customer")
    text = to_toml(
        WHOLE, target, MEANINGS, source="june.csv", missing=["date"], unused={"Betrag 2": "amountToRecover", "X": ""}
    )

    assert f'"Kunde" = "debtor.name" # {MEANINGS["debtor.name"]}\n' in text
    assert "# Missing, as a column or here: date\n" in text
    assert "# Betrag 2: feeds nothing; is it amountToRecover?\n# X: feeds nothing\n" in text
    assert "#   dueDate: The day on which it was to be paid\n" in text
    assert "#   debtor.city:" not in text


def test_a_mapping_that_feeds_every_field_lists_none() -> None:
    text = to_toml(SavedMapping(columns={"Id": "caseId"}), schemas.load("details"), {}, source="x.csv")

    assert "Fields that nothing feeds" not in text


def test_every_field_of_every_target_has_a_meaning() -> None:
    for target in schemas.TARGETS:
        assert tell_shortly(target).keys() >= schemas.load(target).FIELDS.keys()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[colums]", "has colums (do you mean columns?); a mapping has target, headers, ignore, source, columns"),
        ("target = 3", "has to be a text"),
        ('[decimal]\namountToRecover = "dot"', "say one of comma, point"),
        ('columns = "all"', "has to be a table of texts"),
        ("[columns]\nx = 1", "has to be a table of texts"),
        ('[constants]\ndebtor.type = "Company"', 'A name with a dot has to be quoted: "debtor.…" = "…".'),
        ('ignore = "Page"', 'has to be a list of texts, such as ["Branch", "Page"]'),
        ("headers = [1]", "has to be a list of texts"),
        ('values = "x"', "has to have a table for each field"),
        ('[values]\nB2B = "Company"', "has to have a table for each field"),
        ('[values."debtor.type"]\nB2B = 1', '[values."debtor.type"] in'),
        ("source = 1", "has to be a table of sheet, encoding, delimiter, header_row, hidden_rows"),
        ("[source]\nsheets = 'x'", "has sheets (do you mean sheet?); there are sheet, encoding"),
        ("[source]\nheader_row = 'x'", "header_row has to be a row number"),
        ("[source]\nheader_row = 0", "header_row has to be a row number"),
        ("[source]\nsheet = 1", "sheet has to be a text"),
        ("[source]\nhidden_rows = 'drop'", "hidden_rows is 'drop'; say take or skip"),
        ("[source]\ndelimiter = ';;'", "';;' cannot part cells; give one sign, such as ;"),
        ("[source]\nencoding = 'idna'", "'idna' is no encoding"),
        ("[source]\nencoding = 'utf-9'", "'utf-9' is no encoding; try utf-8 or cp1252"),
        ("columns", "is not TOML"),
    ],
)
def test_a_wrong_mapping_says_what_it_should_be(tmp_path: Path, text: str, words: str) -> None:
    assert words in refusal(tmp_path, text)


def test_a_mapping_is_named_by_its_file_or_by_its_name(tmp_path: Path) -> None:
    path = written(tmp_path, "")

    assert resolve(path, Path("elsewhere")) == path
    assert resolve(Path("ours"), tmp_path) == path
    assert resolve(Path("ours.toml"), tmp_path) == path


def test_a_mapping_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    written(tmp_path, "")

    with pytest.raises(
        SettingsError, match=r"There is no mapping our \(do you mean ours\?\): neither a file nor saved"
    ):
        resolve(Path("our"), tmp_path)
    with pytest.raises(SettingsError, match=r"There is no mapping x/ours.*; saved are: ours\."):
        resolve(Path("x/ours"), tmp_path)
    with pytest.raises(SettingsError, match=re.escape(f"saved in {tmp_path / 'nowhere' / 'mappings'}.")):
        resolve(Path("ours"), tmp_path / "nowhere")


def test_a_mapping_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml cannot be read: No such file"):
        read_mapping(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("name", ["../ours", "a/b", "", ".hidden", " x", "x "])
def test_a_name_that_is_none_of_a_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="cannot name a mapping"):
        place_of(name, tmp_path)


def test_a_mapping_is_saved_for_its_owner_alone(tmp_path: Path) -> None:
    path = place_of("Müller & Söhne".replace(" & ", " "), tmp_path / "new")

    write(path, "[columns]\n")

    assert path.read_text() == "[columns]\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(saved(tmp_path / "new")) == ["Müller Söhne"]
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def test_what_other_systems_leave_beside_mappings_is_none(tmp_path: Path) -> None:
    written(tmp_path, "nonsense", "._ours")

    assert saved(tmp_path) == {}


def test_a_tab_and_an_encoding_may_be_written_in_each_of_their_ways(tmp_path: Path) -> None:
    found = read_mapping(written(tmp_path, '[source]\ndelimiter = "TAB"\nencoding = "Windows-1252"'))

    assert found.reading == Reading(delimiter="\t", encoding="cp1252")


def test_a_disk_that_does_not_take_a_mapping_is_named(tmp_path: Path) -> None:
    (tmp_path / "mappings").write_text("in the way")

    with pytest.raises(SettingsError, match="cannot be saved"):
        write(place_of("ours", tmp_path), "")


def test_a_layout_is_its_headers_whatever_their_order_case_and_signs() -> None:
    assert layout(["Rechnungs-Nr.", "Fällig am", ""]) == layout(["FAELLIG AM".replace("AE", "Ä"), "rechnungsnr"])
    assert layout(["Nr", "Betrag"]) != layout(["Nr", "Betrag", "Neu"])


def test_the_mapping_of_a_layout_is_found_and_several_are_asked_about(tmp_path: Path) -> None:
    headers = 'headers = ["Nr", "Betrag"]\n'
    written(tmp_path, headers + 'target = "customer"', "a")
    written(tmp_path, headers + 'target = "managed"', "b")
    written(tmp_path, "[columns]", "by-hand")

    found = load_all(tmp_path, "customer")

    assert [path.stem for path in found] == ["a"]
    assert fitting(["betrag", "NR."], found) == tmp_path / "mappings" / "a.toml"
    assert fitting(["Nr"], found) is None
    written(tmp_path, headers, "c")
    with pytest.raises(ColumnsError, match="saved mappings “a” and “c”: say which with --mapping a"):
        fitting(["Nr", "Betrag"], load_all(tmp_path, "customer"))


def test_a_saved_mapping_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    written(tmp_path, "nonsense")

    with pytest.raises(SettingsError, match=r"is not TOML: .*Mend it, move it away, or say which mapping holds"):
        load_all(tmp_path, "customer")


def test_the_example_in_the_documentation_holds(tmp_path: Path) -> None:
    text = re.findall(r"^```toml\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[0]

    found = read_mapping(written(tmp_path, text))

    match(
        found.headers,
        schemas.load(found.target),
        mapping=found.columns,
        constants=found.constants,
        making=found.making,
        styles=found.styles,
    )
    assert set(re.findall(r"^\[(\w+)", text, re.MULTILINE)) | {"target", "headers", "ignore"} == {
        *("target", "headers", "ignore", "source", "columns", "split", "join", "constants", "values"),
        *("decimal", "date_order"),
    }
