#!/usr/bin/env python3
# Keeps the list of the MQTT standards' numbered statements honest: every id is there, every one that binds a server names
# tests, every test named exists, and the page made from the list is current. Standard library only.
# SPDX-License-Identifier: Apache-2.0
"""usage: tools/conformance.py check [--build build/dev] | page

check   prints every fault of tests/conformance/*.tsv and of docs/reference/conformance.md; exits 1 if there was one.
        Tests are looked up in the binaries test_* of --build and in the titles of tests/e2e.
page    prints the page: tools/conformance.py page >docs/reference/conformance.md
"""
import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIDES = ("server", "client", "both")

# The numbered statements of appendix B, by section: first and last number. Kept apart from the rows, so that a row that
# goes missing is missed. MQTT 5.0: 251 (2.2.1-1 is not used). MQTT 3.1.1: 141; its appendix prints 3.1.2-7 and 3.8.3-4
# with slips of the pen.
STANDARDS = {
    "mqtt5": ("MQTT 5.0", """
        1.5.4:1-3 1.5.5:1-1 1.5.7:1-1 2.1.3:1-1 2.2.1:2-6 2.2.2:1-1 3.1.0:1-2 3.1.2:1-30 3.1.3:1-12 3.1.4:1-6 3.2.0:1-2
        3.2.2:1-22 3.3.1:1-13 3.3.2:1-20 3.3.4:1-10 3.4.2:1-3 3.5.2:1-3 3.6.1:1-1 3.6.2:1-3 3.7.2:1-3 3.8.1:1-1 3.8.3:1-5
        3.8.4:1-8 3.9.2:1-2 3.9.3:1-2 3.10.1:1-1 3.10.3:1-2 3.10.4:1-6 3.11.2:1-2 3.11.3:1-2 3.12.4:1-1 3.14.0:1-1
        3.14.1:1-1 3.14.2:1-4 3.14.4:1-3 3.15.1:1-1 3.15.2:1-3 4.1.0:1-2 4.2.0:1-1 4.3.1:1-1 4.3.2:1-5 4.3.3:1-13
        4.4.0:1-2 4.5.0:1-2 4.6.0:1-6 4.7.0:1-1 4.7.1:1-2 4.7.2:1-1 4.7.3:1-4 4.8.2:1-6 4.9.0:1-3 4.12.0:1-7 4.12.1:1-2
        4.13.1:1-1 4.13.2:1-1 6.0.0:1-4"""),
    "mqtt311": ("MQTT 3.1.1", """
        1.5.3:1-3 2.2.2:1-2 2.3.1:1-7 3.1.0:1-2 3.1.2:1-24 3.1.3:1-11 3.1.4:1-5 3.2.0:1-1 3.2.2:1-6 3.3.1:1-12 3.3.2:1-3
        3.3.4:1-1 3.3.5:1-2 3.6.1:1-1 3.8.1:1-1 3.8.3:1-4 3.8.4:1-6 3.9.3:1-2 3.10.1:1-1 3.10.3:1-2 3.10.4:1-6 3.12.4:1-1
        3.14.1:1-1 3.14.4:1-3 4.1.0:1-2 4.3.1:1-1 4.3.2:1-2 4.3.3:1-2 4.4.0:1-1 4.5.0:1-2 4.6.0:1-6 4.7.1:1-3 4.7.2:1-1
        4.7.3:1-4 4.8.0:1-2 6.0.0:1-4 7.0.0:1-2 7.1.1:1-1 7.1.2:1-1"""),
    # What the chapters say between the numbers, subject by subject; each on one shard and on several.
    "engine": ("The engine", "engine:1-26"),
}


def ids_of(standard):
    ids = []
    for part in STANDARDS[standard][1].split():
        section, numbers = part.split(":")
        first, last = numbers.split("-")
        ids += [f"{section}-{n}" for n in range(int(first), int(last) + 1)]
    return ids


def read_rows(text):
    """The rows of one file as (line, [id, side, statement, tests]); comments and empty lines are left out."""
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if line and not line.startswith("#"):
            rows.append((number, line.split("\t")))
    return rows


def faults_of(standard, text, known):
    """What is wrong with one list. `known` says whether a test of that name exists."""
    name = f"tests/conformance/{standard}.tsv"
    faults, seen = [], []
    for number, row in read_rows(text):
        where = f"{name}:{number}"
        if len(row) != 4:
            faults.append(f"{where}: {len(row)} columns instead of 4: id, side, statement, tests")
            continue
        statement_id, side, statement, tests = row
        seen.append(statement_id)
        if side not in SIDES:
            faults.append(f"{where}: side \"{side}\" is none of {', '.join(SIDES)}")
        if not statement.strip():
            faults.append(f"{where}: {statement_id} says nothing")
        named = [one for one in tests.split(" | ") if one.strip()]
        if side != "client" and not named:
            faults.append(f"{where}: {statement_id} binds a server and names no test")
        faults += [f"{where}: no test is called \"{one}\"" for one in named if not known(one)]
    wanted = ids_of(standard)
    faults += [f"{name}: {one} is missing" for one in wanted if one not in seen]
    faults += [f"{name}: {one} is no statement of {STANDARDS[standard][0]}" for one in seen if one not in wanted]
    faults += [f"{name}: {one} stands there twice" for one in sorted({one for one in seen if seen.count(one) > 1})]
    if not faults and seen != wanted:
        faults.append(f"{name}: the statements are not in the standard's order")
    return faults


def listed_tests(listing):
    """Names in the output of --gtest_list_tests, without what a parametrised suite adds before and behind."""
    names, suite = set(), ""
    for line in listing.splitlines():
        word = line.split("#")[0].rstrip()
        if re.fullmatch(r"[\w/]+\.", word):
            suite = word[:-1].split("/")[-1] if "/" in word and not word[:-1].split("/")[-1].isdigit() else word[:-1].split("/")[0]
        elif line.startswith("  ") and suite:
            names.add(f"{suite}.{word.strip().split('/')[0]}")
    return names


def titles_of(text):
    """Titles of the tests of one file under tests/e2e; what a template fills in is left out."""
    found = re.findall(r"\b(?:test|it)\(\s*(['\"`])(.*?)\1", text)
    return [re.sub(r"[:,]?\s*\$\{[^}]*\}.*", "", title) for _, title in found]


def known_tests(build):
    names = set()
    for binary in sorted(build.glob("test_*")):
        if binary.is_file() and binary.stat().st_mode & 0o111:
            done = subprocess.run([str(binary), "--gtest_list_tests"], capture_output=True, text=True, check=True)
            names |= listed_tests(done.stdout)
    for path in (ROOT / "tests/e2e").glob("*.test.mjs"):
        names |= {f"e2e: {title}" for title in titles_of(path.read_text())}
    return names


def page_of(texts):
    out = ["# Conformance", "",
           "Every numbered statement of the MQTT standards, in our words, and the tests that prove it; then the same by subject. Read the",
           "standard beside it: what counts is its text. *server* binds a broker, *client* its peer, *both* either; a client's duty needs no test here, but where one is",
           "named it shows what becomes of a client that breaks it. Tests are GoogleTest cases, or titles under `tests/e2e`.", "",
           "This page is made from `tests/conformance/*.tsv` by `tools/conformance.py page`; `make test` refuses a statement without a test, a",
           "test that does not exist, an id that is missing, and a page that is not current. Where a SHOULD or MAY leaves the choice to the",
           "server: a variable byte integer that is longer than needed is malformed; a topic name with a wildcard ends the connection with 0x90,",
           "a filter that is malformed is answered with 0x8F in its place, and ends the connection at level 3, whose SUBACK knows no failure;",
           "identifiers longer than 23 characters are taken at every level.", ""]
    for standard, (title, _) in STANDARDS.items():
        rows = [row for _, row in read_rows(texts[standard])]
        bound = sum(row[1] != "client" for row in rows)
        out += [f"## {title}", "", f"{len(rows)} statements, {bound} of them bind a server.", "",
                "| id | side | says | proved by |", "| --- | --- | --- | --- |"]
        for statement_id, side, statement, tests in rows:
            proof = "<br>".join(f"`{one}`" for one in tests.split(" | ") if one)
            out.append(f"| {statement_id} | {side} | {statement} | {proof} |")
        out.append("")
    return "\n".join(out[:-1]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("act", choices=["check", "page"])
    parser.add_argument("--build", default="build/dev")
    options = parser.parse_args()
    texts = {one: (ROOT / f"tests/conformance/{one}.tsv").read_text() for one in STANDARDS}
    if options.act == "page":
        print(page_of(texts), end="")
        return 0
    names = known_tests(ROOT / options.build)
    faults = [fault for one in STANDARDS for fault in faults_of(one, texts[one], names.__contains__)]
    page = ROOT / "docs/reference/conformance.md"
    if not faults and (not page.exists() or page.read_text() != page_of(texts)):
        faults.append("docs/reference/conformance.md is not current: tools/conformance.py page >docs/reference/conformance.md")
    for fault in faults:
        print(fault)
    rows = sum(len(ids_of(one)) for one in STANDARDS)
    print(f"conformance: {rows} statements, {len(names)} tests, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
