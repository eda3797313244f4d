"""What is pasted into the AWS CLI for Lambda; no account was asked."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support.exported import build_of, packable, saying, stored
from venvbuild.exports import CONSUMERS, aws_lambda, export


@pytest.mark.parametrize("consumer", ["lambda", "lambda-layer"])
@pytest.mark.parametrize(("platform", "machine"), [("linux_x86_64", "x86_64"), ("linux_aarch64", "arm64")])
def test_runtime_and_architecture_are_those_of_the_build(
    tmp_path: Path, consumer: str, platform: str, machine: str
) -> None:
    made = export(CONSUMERS[consumer], saying(build_of(tmp_path / "build"), platform=platform), tmp_path)
    text = made.settings[-1].text
    assert f"untime{'s' if 'layer' in consumer else ''} python3.11 " in text
    assert f"architectures {machine} " in text
    zipped = made.file if "layer" in consumer else "function.zip"
    assert f"--zip-file fileb://{zipped}" in text


@pytest.mark.parametrize("consumer", ["lambda", "lambda-layer"])
def test_what_is_too_large_to_be_uploaded_goes_by_way_of_a_bucket(
    tmp_path: Path, consumer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws_lambda, "_DIRECT_BYTES", 100)
    made = export(CONSUMERS[consumer], build_of(tmp_path / "build"), tmp_path)
    text = made.settings[-1].text
    zipped = made.file if "layer" in consumer else "function.zip"
    assert text.startswith(f"aws s3 cp {zipped} s3://BUCKET/KEY\naws lambda ")
    assert "S3Bucket=BUCKET,S3Key=KEY" in text
    [verdict] = [one for one in made.verdicts if one.rule.name == "upload"]
    assert verdict.finding.saw.endswith("by way of S3 alone")


def test_files_that_python_runs_at_its_start_are_named(tmp_path: Path) -> None:
    one = packable(tmp_path)
    (one.site / "a.pth").write_text("import sys\n")
    (one.site / "b.start").write_text("sys:exit\n")
    made = export(CONSUMERS["lambda-layer"], stored(one), tmp_path)
    [verdict] = [one for one in made.verdicts if one.rule.name == "start_files"]
    assert verdict.state == "NOT CHECKED"
    assert "a.pth, b.start" in verdict.finding.saw


@pytest.mark.parametrize("consumer", ["lambda", "lambda-layer"])
def test_files_of_packages_that_lie_elsewhere_are_named(tmp_path: Path, consumer: str) -> None:
    one = packable(tmp_path)
    [record] = one.site.glob("good-*.dist-info/RECORD")
    with record.open("a") as lines:
        lines.write("../../../share/good/a.txt,,\n../../../etc/b,,\n../../../bin/good,,\n")
    made = export(CONSUMERS[consumer], stored(one), tmp_path)
    [verdict] = [one for one in made.verdicts if one.rule.name == "outside"]
    assert verdict.state == "NOT CHECKED"
    assert verdict.finding.saw.startswith("left out: good share/good/a.txt and 1 more; see")


def test_a_record_that_cannot_be_read_is_told_and_stops_nothing(tmp_path: Path) -> None:
    one = packable(tmp_path)
    [record] = one.site.glob("good-*.dist-info/RECORD")
    with record.open("a") as lines:
        lines.write(f"../../../share/{'a' * 140_000},,\n")
    made = export(CONSUMERS["lambda"], stored(one), tmp_path)
    [verdict] = [one for one in made.verdicts if one.rule.name == "outside"]
    assert "good what its RECORD names, which cannot be read; see" in verdict.finding.saw


def test_a_zip_that_was_made_anew_under_its_name_is_read_anew(tmp_path: Path) -> None:
    names = []
    for more in ("a.pth", "b.pth"):
        (tmp_path / more).mkdir()
        one = packable(tmp_path / more)
        (one.site / more).write_text("import sys\n")
        made = tmp_path / "made.zip"
        made.unlink(missing_ok=True)
        CONSUMERS["lambda"].make(stored(one), made)
        [rule] = [rule for rule in CONSUMERS["lambda"].rules if rule.name == "start_files"]
        names.append(rule.judge(stored(one), made).saw)
    assert ["a.pth" in names[0], "b.pth" in names[1]] == [True, True]


def test_the_packages_of_a_layer_lie_below_python(tmp_path: Path) -> None:
    made = export(CONSUMERS["lambda-layer"], build_of(tmp_path / "build"), tmp_path)
    assert made.file == tmp_path / "sales-lambda-layer.zip"
    with zipfile.ZipFile(made.file) as opened:
        assert {name.split("/")[0] for name in opened.namelist()} == {"python"}
