#!/usr/bin/env python3
# Proves that the layer check goes red for each rule it states: a small tree with one fault each, under the real layers.toml.
# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys
import tempfile
import tomllib
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import check_layers  # noqa: E402

RULES = tomllib.loads((HERE.parent / "layers.toml").read_text())
HEAD = "// What this is.\n// SPDX-License-Identifier: Apache-2.0\n"


def faults(files):
    """The faults of a tree that holds just `files` (path -> text; the head is added unless it is there)."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            if path.endswith(check_layers.CODE) and "SPDX" not in text:
                text = HEAD + ("#pragma once\n" if path.endswith(".h") else "") + text
            (root / path).write_text(text)
        return check_layers.Checker(root, RULES).run()


class Layers(unittest.TestCase):
    def green(self, path, text, **others):
        self.assertEqual(faults({path: text}), [])

    def red(self, path, text, part):
        found = faults({path: text})
        self.assertTrue(any(part in line for line in found), f"expected '{part}' in {found}")

    # Rooms
    def test_topic_including_broker_is_red(self):
        self.red("src/topic/trie.cpp", '#include "broker/shard.h"\n', "broker/ does not stand below it")

    def test_a_room_may_include_itself_and_what_stands_below(self):
        self.green("src/broker/shard.cpp", '#include "broker/shard.h"\n#include "topic/trie.h"\n#include "base/result.h"\n')

    def test_rooms_of_one_tier_do_not_know_each_other(self):
        self.red("src/net/tls.cpp", '#include "mqtt/decoder.h"\n', "mqtt/ does not stand below it")
        self.red("src/admin/health.h", '#include "config/native.h"\n', "config/ does not stand below it")

    def test_every_upward_pair_is_red(self):
        tiers = RULES["order"]
        for low, rooms in enumerate(tiers):
            for room in rooms:
                for higher in tiers[low:]:
                    for target in higher:
                        if target != room:
                            self.red(f"src/{room}/a.cpp", f'#include "{target}/b.h"\n', "does not stand below")

    def test_tests_of_a_room_keep_the_order_too(self):
        self.red("src/topic/trie_test.cpp", '#include "broker/shard.h"\n', "broker/ does not stand below it")

    def test_an_unknown_room_is_red(self):
        self.red("src/util/misc.h", '#include "base/result.h"\n', "no room of layers.toml")
        self.red("src/base/a.cpp", '#include "result.h"\n', "no such room")

    def test_realms_are_strangers(self):
        self.red("src/auth/realm/jwt/jwt.cpp", '#include "auth/realm/file/file.h"\n', "do not know each other")
        self.green("src/auth/realm/jwt/jwt.cpp", '#include "auth/realm/jwt/jwt.h"\n#include "auth/realm.h"\n')

    def test_an_include_in_a_comment_does_not_count(self):
        self.green("src/topic/trie.cpp", '/*\n#include "broker/shard.h"\n*/\n')

    # Third-party seams
    def test_third_party_header_leaving_its_seam_is_red(self):
        for path, header in (("src/auth/realm.h", "openssl/evp.h"), ("src/broker/shard.cpp", "boost/json.hpp"),
                             ("src/auth/pipeline.cpp", "boost/json/basic_parser_impl.hpp"), ("src/net/pool.cpp", "curl/curl.h"),
                             ("src/auth/file.cpp", "pugixml.hpp"), ("src/base/json.cpp", "toml++/toml.h"),
                             ("src/net/executor.cpp", "spdlog/spdlog.h"), ("src/config/native.cpp", "CLI/CLI.hpp"),
                             ("src/net/executor.cpp", "boost/asio.hpp"), ("src/policy/bind.cpp", "sodium.h"),
                             ("src/mqtt/decoder.cpp", "sys/socket.h"), ("src/base/log.cpp", "gtest/gtest.h")):
            self.red(path, f"#include <{header}>\n", "leaves its seam")

    def test_third_party_header_in_its_seam_is_green(self):
        for path, header in (("src/crypto/jws.cpp", "openssl/evp.h"), ("src/net/tls.cpp", "openssl/ssl.h"),
                             ("src/base/json.cpp", "boost/json/basic_parser_impl.hpp"), ("src/net/http_client.cpp", "curl/curl.h"),
                             ("src/config/ese.cpp", "pugixml.hpp"), ("src/base/log.cpp", "spdlog/spdlog.h"),
                             ("src/app/main.cpp", "CLI/CLI.hpp"), ("src/topic/trie_test.cpp", "gtest/gtest.h"),
                             ("src/crypto/jws_test.cpp", "rhonabwy.h"), ("src/net/executor.cpp", "sys/epoll.h")):
            self.green(path, f"#include <{header}>\n")

    def test_an_unknown_library_is_red(self):
        self.red("src/base/json.cpp", "#include <nlohmann/json.hpp>\n", "no library of ours")

    # Simulator rules
    def test_a_room_below_broker_reading_the_clock_is_red(self):
        for path in ("src/auth/pipeline.cpp", "src/topic/trie.cpp", "src/policy/bind.cpp", "src/store/memory.cpp", "src/mqtt/decoder.cpp"):
            for text in ("auto t = std::chrono::steady_clock::now();", "auto t = std::chrono::system_clock::now();",
                         "clock_gettime(CLOCK_MONOTONIC, &ts);", "auto t = time(nullptr);", "auto t = ::time( NULL );",
                         "gettimeofday(&tv, 0);", "using namespace std::chrono; auto t = steady_clock::now();"):
                self.red(path, text + "\n", "clock:")

    def test_broker_reading_the_clock_is_red(self):
        self.red("src/broker/shard.cpp", "auto t = std::chrono::steady_clock::now();\n", "clock:")

    def test_making_the_systems_clock_below_app_is_red(self):
        self.red("src/auth/pipeline.cpp", "SystemClock clock;\n", "SystemClock:")
        self.green("src/app/serve.cpp", "SystemClock clock;\n")

    def test_the_clock_file_may_read_it(self):
        self.green("src/base/clock.cpp", "auto t = std::chrono::steady_clock::now();\n")

    def test_words_in_comments_and_literals_do_not_count(self):
        self.green("src/auth/a.cpp", '// steady_clock\nconst char* k = "time(nullptr)";\nauto r = R"(rand())";\n/* sleep(1) */\n')

    def test_a_digit_separator_hides_nothing(self):
        self.red("src/auth/a.cpp", "int a = 1'000; auto t = time(nullptr); int b = 1'000;\n", "clock:")

    def test_names_that_only_look_alike_are_green(self):
        self.green("src/auth/a.cpp", "auto a = wall_time(now); auto b = operand(1); auto c = runtime(0); auto d = expiry_time(x);\n")

    def test_thread_words_are_red_on_the_data_path(self):
        for text, part in (("thread_local int x;", "thread_local"), ("std::thread t;", "threads"), ("std::jthread t;", "threads"),
                           ("pthread_self();", "threads"), ("std::this_thread::yield();", "sleeps"),
                           ("sleep_for(1s);", "sleeps"), ("usleep(1);", "sleeps"), ("_mm_pause();", "sleeps")):
            self.red("src/broker/shard.cpp", text + "\n", part)

    def test_tests_may_use_threads_but_never_sleep(self):
        self.green("src/broker/lane_test.cpp", "std::jthread t;\n")
        self.red("src/broker/lane_test.cpp", "std::this_thread::sleep_for(1ms);\n", "sleeps")

    def test_pointer_keyed_containers_are_red(self):
        for text in ("std::map<Session*, int> m;", "std::set<const Session*> s;", "std::map<broker::Session *, int> m;",
                     "std::unordered_map<Foo<int>*, int> m;"):
            self.red("src/broker/shard.cpp", text + "\n", "pointer-keyed")
        self.green("src/broker/shard.cpp", "std::map<std::string, Session*> m;\nstd::set<int> s;\n")

    def test_unseeded_chance_is_red(self):
        for text in ("std::random_device d;", "int x = rand();", "srand(1);", "std::mt19937 g;", "getrandom(p, 1, 0);"):
            self.red("src/broker/shard.cpp", text + "\n", "unseeded chance")

    def test_regex_and_iostream_are_red(self):
        self.red("src/auth/a.cpp", "#include <regex>\n", "leaves its seam")
        self.red("src/auth/a.cpp", "std::regex r;\n", "regular expression")
        self.red("src/app/main.cpp", "#include <iostream>\n", "leaves its seam")
        self.red("src/app/main.cpp", 'std::cout << "x";\n', "iostream")

    # Shape
    def test_missing_head_is_red(self):
        self.red("src/base/a.cpp", "// SPDX-License-Identifier: Apache-2.0\nint x;\n", "does not open with a comment")
        self.red("src/base/a.cpp", "#include <string>\n// SPDX-License-Identifier: Apache-2.0\n", "does not open with a comment")
        self.red("tests/e2e/a.mjs", "// hello\n", "no SPDX line")

    def test_missing_licence_is_red(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "src/base/a.cpp"
            path.parent.mkdir(parents=True)
            path.write_text("// What this is.\nint x;\n")
            found = check_layers.Checker(pathlib.Path(folder), RULES).run()
        self.assertTrue(any("no SPDX line" in line for line in found), found)

    def test_header_without_pragma_once_is_red(self):
        self.red("src/base/a.h", HEAD + "int x();\n", "without #pragma once")

    def test_a_long_file_is_red(self):
        self.red("src/base/a.cpp", "\n" * 600, "split it")

    def test_unfinished_work_is_red(self):
        self.red("src/base/a.cpp", "// TODO later\n", "unfinished work")

    def test_a_header_that_needs_another_is_red(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "src/base").mkdir(parents=True)
            (root / "src/base/a.h").write_text(HEAD + "#pragma once\nstd::string f();\n")
            (root / "src/base/b.h").write_text(HEAD + "#pragma once\n#include <string>\nstd::string g();\n")
            checker = check_layers.Checker(root, RULES)
            checker.check_headers_alone(2)
        self.assertEqual(len(checker.faults), 1, checker.faults)
        self.assertIn("src/base/a.h", checker.faults[0])


if __name__ == "__main__":
    unittest.main()
