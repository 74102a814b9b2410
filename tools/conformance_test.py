#!/usr/bin/env python3
# Proves that the conformance check goes red for each rule it states, and that it reads test names as they are.
# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import conformance  # noqa: E402


def whole(change=lambda rows: rows):
    rows = [[one, "server", "says something", "Suite.Test"] for one in conformance.ids_of("mqtt311")]
    return "\n".join("\t".join(row) for row in change(rows)) + "\n"


def faults(change, known=lambda name: name == "Suite.Test"):
    return conformance.faults_of("mqtt311", whole(change), known)


def with_first(column, value):
    def change(rows):
        rows[0][column] = value
        return rows
    return change


class Conformance(unittest.TestCase):
    def test_a_whole_list_is_accepted(self):
        self.assertEqual(faults(lambda rows: rows), [])

    def test_the_lists_have_as_many_statements_as_the_standards(self):
        self.assertEqual((len(conformance.ids_of("mqtt5")), len(conformance.ids_of("mqtt311"))), (251, 141))

    def test_a_missing_statement(self):
        self.assertIn("is missing", faults(lambda rows: rows[1:])[0])

    def test_a_statement_that_no_standard_has(self):
        self.assertTrue(any("no statement of" in one for one in faults(with_first(0, "9.9.9-9"))))

    def test_a_statement_twice(self):
        self.assertTrue(any("twice" in one for one in faults(lambda rows: rows + rows[:1])))

    def test_the_order(self):
        self.assertTrue(any("order" in one for one in faults(lambda rows: rows[1:] + rows[:1])))

    def test_a_servers_statement_without_a_test(self):
        self.assertTrue(any("names no test" in one for one in faults(with_first(3, ""))))
        self.assertTrue(any("names no test" in one for one in faults(with_first(3, " | "))))

    def test_a_clients_statement_needs_none(self):
        def change(rows):
            rows[0][1], rows[0][3] = "client", ""
            return rows
        self.assertEqual(faults(change), [])

    def test_a_test_that_does_not_exist(self):
        self.assertTrue(any("Suite.Gone" in one for one in faults(with_first(3, "Suite.Test | Suite.Gone"))))

    def test_a_blank_statement_and_an_unknown_side(self):
        self.assertTrue(any("says nothing" in one for one in faults(with_first(2, " "))))
        self.assertTrue(any("side" in one for one in faults(with_first(1, "broker"))))

    def test_a_row_of_three_columns(self):
        self.assertTrue(any("columns" in one for one in faults(lambda rows: [rows[0][:3]] + rows[1:])))

    def test_names_of_parametrised_suites(self):
        listing = "Running main() from x\nPlain.\n  One\nShards/Wide.\n  Two/0  # GetParam() = 1\n  Two/1\nTyped/0.  # TypeParam = int\n  Three\n"
        self.assertEqual(conformance.listed_tests(listing), {"Plain.One", "Wide.Two", "Typed.Three"})

    def test_titles_of_end_to_end_tests(self):
        text = "test('plain title', async () => {\n  test(`QoS 0: ${label}`, async (t) => {"
        self.assertEqual(conformance.titles_of(text), ["plain title", "QoS 0"])


if __name__ == "__main__":
    unittest.main()
