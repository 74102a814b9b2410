#!/usr/bin/env python3
# Checks that the source keeps the house's order: rooms, third-party seams, simulator rules, file headers, length.
# The rules are data in layers.toml; this file only reads them. Standard library only, so a bare machine can run it.
# SPDX-License-Identifier: Apache-2.0
"""usage: tools/check_layers.py [--root DIR] [--headers [--jobs N]]

Prints FILE:LINE: message for every fault and exits 1 if there was one. --headers also compiles each header alone.
"""
import argparse
import concurrent.futures
import fnmatch
import os
import pathlib
import re
import subprocess
import sys
import tomllib

CODE = (".h", ".cpp")
# No seam of their own: the language's headers, and the system's that are not listed in layers.toml.
STANDARD = set("""
algorithm any array atomic barrier bit bitset charconv chrono cerrno cctype cfloat climits cmath compare concepts
condition_variable csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime deque exception execution expected
filesystem forward_list functional future initializer_list iosfwd istream iterator latch limits list locale map memory
memory_resource mutex new numbers numeric optional ostream queue random ranges ratio semaphore set shared_mutex
source_location span spanstream sstream stack stdexcept stop_token streambuf string string_view syncstream
system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector
version cassert cinttypes cfenv clocale cuchar cwchar cwctype iostream fstream iomanip regex
""".split())
SYSTEM = re.compile(r"^(?:sys/|linux/|bits/)|^(?:assert|dirent|dlfcn|errno|fcntl|getopt|grp|inttypes|limits|poll|pthread|"
                    r"pwd|sched|signal|stddef|stdint|stdio|stdlib|string|strings|syslog|termios|time|unistd|"
                    r"sys/\w+|ucontext|execinfo|sanitizer/\w+|valgrind/\w+)\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^\s()\\]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL)


def split_text(text):
    """Returns (code, comments), both as long as `text`, with everything else blanked, so that line numbers stay."""
    blank = lambda piece: re.sub(r"[^\n]", " ", piece)
    code, comments, last = [], [], 0
    for match in TOKEN.finditer(text):
        before, piece = text[last:match.start()], match.group(0)
        code.append(before)
        comments.append(blank(before))
        code.append(blank(piece))
        comments.append(piece if piece.startswith(("//", "/*")) else blank(piece))
        last = match.end()
    code.append(text[last:])
    comments.append(blank(text[last:]))
    return "".join(code), "".join(comments)


def matches(path, globs):
    return any(fnmatch.fnmatchcase(path, glob) for glob in globs)


def is_test(path):
    name = path.rsplit("/", 1)[-1]
    return not path.startswith("src/") or name.endswith(("_test.cpp", "_for_test.h", "_for_test.cpp")) or name.startswith("test_")


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Checker:
    def __init__(self, root, rules):
        self.root = root
        self.rules = rules
        self.tier = {room: level for level, rooms in enumerate(rules["order"]) for room in rooms}
        self.faults = []

    def fault(self, path, line, message):
        self.faults.append(f"{path}:{line}: {message}")

    def files(self):
        for top in ("src", "tests", "fuzz", "bench"):
            for folder, folders, names in os.walk(self.root / top):
                folders[:] = sorted(f for f in folders if f not in ("node_modules", "corpus", "__pycache__"))
                for name in sorted(names):
                    yield str((pathlib.Path(folder) / name).relative_to(self.root))

    def run(self):
        for path in self.files():
            if path.endswith(CODE):
                self.check_code(path)
            elif path.endswith((".mjs", ".py", ".pml", ".sh")):
                self.check_script(path)
        return self.faults

    def check_script(self, path):
        head = (self.root / path).read_text(errors="replace").splitlines()[:20]
        if not any("SPDX-License-Identifier: Apache-2.0" in line for line in head):
            self.fault(path, 1, "no SPDX line (Apache-2.0) at the top")

    def check_code(self, path):
        text = (self.root / path).read_text(errors="replace")
        lines = text.splitlines()
        code, comments = split_text(text)
        self.check_shape(path, lines, code)
        for number, line in enumerate(lines, 1):
            found = INCLUDE.match(line)
            if found and code.splitlines()[number - 1].strip():  # not one inside a comment
                self.check_include(path, number, found.group(1), found.group(2))
        for rule in self.rules.get("rule", []):
            self.check_words(path, rule, code, comments)

    def check_shape(self, path, lines, code):
        if not lines or not lines[0].startswith("//") or "SPDX" in lines[0]:
            self.fault(path, 1, "the file does not open with a comment that says what it is")
        if not any(line.strip() == "// SPDX-License-Identifier: Apache-2.0" for line in lines[:8]):
            self.fault(path, 1, "no SPDX line (Apache-2.0) among the first eight")
        if path.endswith(".h") and not re.search(r"^#pragma once$", code, re.MULTILINE):
            self.fault(path, 1, "header without #pragma once")
        if len(lines) > self.rules["max_lines"]:
            self.fault(path, len(lines), f"{len(lines)} lines; split it, the limit is {self.rules['max_lines']}")

    def check_include(self, path, number, kind, header):
        if kind == '"':
            self.check_room(path, number, header)
            return
        known = False
        for library in self.rules["library"]:
            if not matches(header, library["headers"]):
                continue
            known = True
            allowed = list(library.get("in", []))
            if is_test(path):
                allowed += library.get("tests", [])
            if not matches(path, allowed):
                where = ", ".join(allowed) or "no file"
                self.fault(path, number, f"<{header}> leaves its seam: {library['name']} is allowed in {where}")
        if not known and header not in STANDARD and not SYSTEM.match(header):
            self.fault(path, number, f"<{header}> is no library of ours: name it and its seam in layers.toml")

    def check_room(self, path, number, header):
        """Our own headers are written from src/ (or tests/, bench/): "room/file.h"."""
        parts = path.split("/")
        target = header.split("/")[0]
        if target not in self.tier:
            beside = (self.root / path).parent.joinpath(header)  # a test may replay its fuzzer, a bench share a header
            if not (is_test(path) and ((self.root / "tests" / header).exists() or (
                    beside.exists() and beside.resolve().relative_to(self.root).parts[0] in ("fuzz", "bench", "tests")))):
                self.fault(path, number, f'"{header}": no such room; includes start at src/ ("room/file.h")')
            return
        if parts[0] != "src":
            return
        room = parts[1]
        if room not in self.tier:
            self.fault(path, number, f"src/{room} is no room of layers.toml")
        elif target != room and self.tier[target] >= self.tier[room]:
            self.fault(path, number, f'{room}/ includes "{header}", but {target}/ does not stand below it in layers.toml')
        for parent in self.rules["strangers"]:
            ours, theirs = self.inside(path, parent), self.inside("src/" + header, parent)
            if ours and theirs and ours != theirs:
                self.fault(path, number, f'{parent}/{ours} includes "{header}": these folders do not know each other')

    @staticmethod
    def inside(path, parent):
        """The name of the sub-folder of `parent` that holds `path`, or None."""
        rest = path[len(parent) + 1:].split("/") if path.startswith(parent + "/") else []
        return rest[0] if len(rest) > 1 else None

    def check_words(self, path, rule, code, comments):
        test = is_test(path)
        if test and not rule.get("apply_to_tests", True):
            return
        if matches(path, rule.get("in", [])) or (test and matches(path, rule.get("tests", []))):
            return
        for words, text in ((rule.get("words", []), code), (rule.get("comment_words", []), comments)):
            for word in words:
                for found in re.finditer(word, text):
                    self.fault(path, line_of(text, found.start()),
                               f"{rule['name']}: `{found.group(0).strip()}` ({rule['why']})")

    def check_headers_alone(self, jobs):
        """Each header must compile as the only line of a program. Slow: part of `make lint`, not of `make test`."""
        headers = [p for p in self.files() if p.endswith(".h") and not p.startswith("fuzz/")]

        def compile_one(path):
            command = ["g++", "-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", "src", "-I", "tests", "-x",
                       "c++", "-include", path, "/dev/null"]
            done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
            return path, done.returncode, done.stderr

        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for path, code, output in pool.map(compile_one, headers):
                if code:
                    first = next((l for l in output.splitlines() if "error" in l), output[:200])
                    self.fault(path, 1, f"does not compile alone: {first}")
        return len(headers)


def main():
    here = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=here)
    parser.add_argument("--headers", action="store_true", help="also compile every header alone (slow)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    rules = tomllib.loads((here / "layers.toml").read_text())
    checker = Checker(options.root.resolve(), rules)
    faults = checker.run()
    if options.headers:
        checker.check_headers_alone(options.jobs)
    for line in faults:
        print(line)
    print(f"layers: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
