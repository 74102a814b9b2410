// The readers: what a pasted, glued, misspelt or hostile file is told, to the letter.
// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "config/expand.h"
#include "config/pasted.h"
#include "config/toml_reader.h"
#include "config/xml_reader.h"
#include "config/xml_scan.h"

namespace latchkey::config {
namespace {

Surroundings fake_surroundings() {
    Surroundings fake;
    fake.environment = [](const std::string& name) -> std::optional<std::string> {
        if (name == "SECRET") return "s3cret";
        if (name == "NESTED") return "${ENV:SECRET}";
        return std::nullopt;
    };
    fake.read_file = [](const std::string& path) -> std::optional<std::string> {
        if (path == "/etc/lk/key") return "bytes \n\n";
        if (path == "/abs") return "x";
        return std::nullopt;
    };
    return fake;
}

std::string xml_faults(std::string_view text) {
    Faults faults;
    read_xml("f.xml", text, faults);
    return faults.to_text();
}

std::string toml_faults(std::string_view text) {
    Faults faults;
    read_toml("f.toml", text, "/etc/lk", fake_surroundings(), faults);
    return faults.to_text();
}

struct Row {
    std::string_view what;
    std::string_view text;
    std::string_view faults;
};

TEST(XmlReader, SaysWhatIsWrongAndWhere) {
    const std::vector<Row> rows = {
        {"a good file",
         "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<a b=\"1\"><!-- \xE2\x86\x92 --> "
         "<c>x</c></a>\n",
         ""},
        {"nothing", "", "f.xml:1:1: the file holds no element\n"},
        {"a second root", "<a/>\n<b/>",
         "f.xml:2:2: a second top-level element <b> begins here; <a> was closed before; pieces of an article "
         "glued "
         "together? Exactly one root element holds everything\n"},
        {"an end inside", "<a>\n <realms>\n  <x/>",
         "f.xml:3:7: the file ends inside <realms>, opened at 2:3; only a fragment? <a> was never closed\n"},
        {"a wrong closing tag", "<a>\n<b>1</a>",
         "f.xml:2:5: </a> stands where </b> is due: <b> was opened at 2:2\n"},
        {"a lone closing tag", "</realms>",
         "f.xml:1:1: </realms> closes nothing: no element is open; a fragment? The opening tag is missing\n"},
        {"a DOCTYPE", "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
         "f.xml:1:1: a DOCTYPE or other declaration is not allowed; delete it: entities are not resolved\n"},
        {"an HTML entity", "<a>\xC3\xA9&nbsp;x</a>",
         "f.xml:1:5: &nbsp; is not known in XML; write an ordinary space\n"},
        {"a bare ampersand", "<a>x & y</a>", "f.xml:1:6: a bare & stands here; write &amp;\n"},
        {"a reference to a control", "<a>&#0;</a>",
         "f.xml:1:4: &#0; is not known in XML; write the character itself\n"},
        {"an attribute twice", "<a b=\"1\" b=\"2\"/>", "f.xml:1:10: attribute b is given twice\n"},
        {"an unquoted attribute", "<a b=1/>",
         "f.xml:1:6: the value of attribute b is not quoted; write b=\"...\"\n"},
        {"an unclosed quote", "<a b=\"1>\n<c/></a>", "f.xml:1:6: the value of attribute b is never closed\n"},
        {"an unclosed comment", "<a><!-- x </a>",
         "f.xml:1:4: this comment is never closed; close it with -->\n"},
        {"text behind the root", "<a/> done",
         "f.xml:1:6: text stands behind </a>, outside the root element; delete "
         "it, or write it as a comment <!-- ... -->\n"},
        {"text between children", "<a><b/>\xC3\xA9t\xC3\xA9<c/></a>",
         "f.xml:1:8: text stands between the children of <a>; delete it, or write it as a comment <!-- ... "
         "-->\n"},
        {"another encoding declared", "<?xml version=\"1.0\" encoding='ISO-8859-1'?><a/>",
         "f.xml:1:21: encoding \"iso-8859-1\" is not supported; save the file as UTF-8 and say so\n"},
        {"Latin-1 bytes", "<a>caf\xE9</a>", "f.xml:1:7: byte 0xE9 is not UTF-8; save the file as UTF-8\n"},
        {"UTF-16", std::string_view("\xFF\xFE<\0a\0", 6),
         "f.xml:1:1: the file is not UTF-8 (it looks like UTF-16); save it as UTF-8\n"},
        {"a control character", "<a>\x01</a>",
         "f.xml:1:4: control character U+0001 stands here; delete it\n"},
    };
    for (const Row& row : rows)
        EXPECT_EQ(xml_faults(row.text), row.faults) << row.what;
}

TEST(XmlReader, NamesEachPastedCharacterWithItsPlace) {
    const std::vector<Row> rows = {
        {"indentation of no-break spaces", "<a>\n\xC2\xA0\xC2\xA0<b/>\n</a>",
         "f.xml:2:1: 2 times U+00A0 NO-BREAK SPACE stands here; replace it by an ordinary space\n"},
        {"curly quotes around an attribute",
         "<a b=\xE2\x80\x9C"
         "1\xE2\x80\x9D/>",
         "f.xml:1:6: U+201C LEFT DOUBLE QUOTATION MARK stands here; replace it by a straight quote \"\n"
         "f.xml:1:8: U+201D RIGHT DOUBLE QUOTATION MARK stands here; replace it by a straight quote \"\n"},
        {"an arrow with a remark", "<a><b>conf/roles.xml</b> \xE2\x86\x90 your path\n</a>",
         "f.xml:1:26: U+2190 LEFTWARDS ARROW stands here; delete the arrow and the remark beside it\n"
         "f.xml:1:28: text stands between the children of <a>; delete it, or write it as a comment <!-- ... "
         "-->\n"},
        {"a zero width space inside a value", "<a>top\xE2\x80\x8Bic</a>",
         "f.xml:1:7: U+200B ZERO WIDTH SPACE stands here; delete it; it is invisible in most editors\n"},
        {"a byte order mark in the middle", "<a>\n\xEF\xBB\xBF</a>",
         "f.xml:2:1: U+FEFF ZERO WIDTH NO-BREAK SPACE (byte order mark) stands here; delete it; it is "
         "invisible in "
         "most editors\n"},
        {"a smart dash in a name", "<jwt\xE2\x80\x93realm/>",
         "f.xml:1:5: U+2013 EN DASH stands here; replace it by an ordinary hyphen -\n"},
        {"the same in a comment is nobody's business", "<!-- \xE2\x86\x92\xC2\xA0 --><a/>", ""},
        {"a character reference is meant", "<a>&#xA0;</a>", ""},
    };
    for (const Row& row : rows)
        EXPECT_EQ(xml_faults(row.text), row.faults) << row.what;
}

TEST(XmlReader, CountsPastedCharactersBeyondTheFirstFive) {
    std::string text = "<a>";
    for (int i = 0; i < 17; ++i)
        text += "\n\xC2\xA0<b/>";
    text += "</a>";
    const std::string faults = xml_faults(text);
    EXPECT_NE(faults.find("f.xml:6:1: U+00A0 NO-BREAK SPACE stands here; "), std::string::npos);
    EXPECT_TRUE(
        faults.ends_with("f.xml:7:1: U+00A0 NO-BREAK SPACE stands here and in 11 more places; a file pasted "
                         "from a web page? Replace them all at once\n"))
        << faults;
}

TEST(XmlReader, RefusesSizeAndDepthBeforeContent) {
    EXPECT_EQ(
        xml_faults(std::string(kMaxFileBytes + 1, ' ')),
        "f.xml:1:1: the file is larger than 1 MiB; a configuration is smaller; is this the right file?\n");
    std::string deep;
    for (int i = 0; i < 100'000; ++i)
        deep += "<a>";
    EXPECT_EQ(xml_faults(deep), "f.xml:1:98: elements are nested deeper than 32 levels\n");
}

TEST(XmlReader, KeepsPositionsAndTrimsOrdinarySpaceOnly) {
    Faults faults;
    const auto root = read_xml("f.xml",
                               "<r \xC3\xA9=\"x\"  b = '2'>\n  <\xC3\xA9t\xC3\xA9>\n\t v&#xA0; <!-- c "
                               "-->\n</\xC3\xA9t\xC3\xA9><c/></r>",
                               faults);
    ASSERT_TRUE(root) << faults.to_text();
    ASSERT_EQ(root->attributes.size(), 2U);
    EXPECT_EQ(root->attributes[1].value, "2");
    EXPECT_EQ(root->attributes[1].at.column, 11U);
    ASSERT_EQ(root->children.size(), 2U);
    EXPECT_EQ(root->children[0].at, (Position{"f.xml", 2, 4}));
    EXPECT_EQ(root->children[0].text, "v\xC2\xA0");
    EXPECT_EQ(root->children[0].text_at, (Position{"f.xml", 3, 3}));
    EXPECT_EQ(root->children[1].at, (Position{"f.xml", 4, 8}));
}

TEST(XmlReader, UnknownAndDoubleNamesComeWithTheNearestKnown) {
    Faults faults;
    const auto root = read_xml("f.xml", "<r x='1'>\n<relms/>\n<one/>\n<one/>\n<many/><many/></r>", faults);
    ASSERT_TRUE(root);
    const std::vector<std::string_view> known = {"realms", "one", "many"};
    const std::vector<std::string_view> repeatable = {"many"};
    check_children(*root, known, repeatable, faults);
    check_attributes(*root, {}, faults);
    EXPECT_EQ(faults.to_text(),
              "f.xml:2:2: unknown element <relms> in <r>; did you mean realms?\n"
              "f.xml:4:2: <one> is given twice in <r>; the first stands in line 3\n"
              "f.xml:1:4: unknown attribute x of <r>; it takes none\n");
}

TEST(Expand, TakesEnvironmentAndFilesOnce) {
    Faults faults;
    const Position at{"f", 3, 4};
    const auto one = [&](std::string_view text, Placeholders allowed = Placeholders::EnvironmentAndFile) {
        return expand(text, at, "/etc/lk", allowed, fake_surroundings(), faults);
    };
    EXPECT_EQ(one("a ${ENV:SECRET} ${mqtt-clientid} b"), "a s3cret ${mqtt-clientid} b");
    EXPECT_EQ(one("${ENV:NESTED}"), "${ENV:SECRET}");
    EXPECT_EQ(one("${FILE:key}"), "bytes \n");
    EXPECT_EQ(one("${FILE:/abs}"), "x");
    EXPECT_TRUE(faults.empty()) << faults.to_text();
    one("${ENV:NOPE}");
    one("${FILE:gone}");
    one("${ENV:}");
    one("${ENV:x");
    one("${FILE:key}", Placeholders::EnvironmentOnly);
    EXPECT_EQ(
        faults.to_text(),
        "f:3:4: environment variable NOPE is not set; set it before the start, or write the value here\n"
        "f:3:4: file /etc/lk/gone cannot be read; check the path, its permissions and its size\n"
        "f:3:4: ${ENV:} names nothing\n"
        "f:3:4: a ${ENV:...} or ${FILE:...} is never closed; close it with }\n"
        "f:3:4: ${FILE:...} is not known in an ESE file; use ${ENV:NAME}, or native TOML\n");
}

TEST(TomlReader, SaysWhatIsWrongAndWhere) {
    const std::vector<Row> rows = {
        {"a good file", "# \xE2\x86\x92\na = \"x # y\"  # \xC2\xA0\n", ""},
        {"a pasted quote", "a = \xE2\x80\x9Cx\xE2\x80\x9D\n",
         "f.toml:1:5: U+201C LEFT DOUBLE QUOTATION MARK stands here; replace it by a straight quote \"\n"
         "f.toml:1:7: U+201D RIGHT DOUBLE QUOTATION MARK stands here; replace it by a straight quote \"\n"},
        {"behind a hash inside a string", "a = 'x # \xC2\xA0'\n",
         "f.toml:1:10: U+00A0 NO-BREAK SPACE stands here; replace it by an ordinary space\n"},
        {"an unset variable", "\n  a = \"${ENV:NOPE}\"\n",
         "f.toml:2:7: environment variable NOPE is not set; set it before the start, or write the value "
         "here\n"},
    };
    for (const Row& row : rows)
        EXPECT_EQ(toml_faults(row.text), row.faults) << row.what;
    EXPECT_EQ(toml_faults("a = \"\"\"x\"\"\"\"\xC8\xA8\n"),
              "f.toml:1:13: U+0228 stands outside quotes; only strings and comments hold such characters\n");
    EXPECT_EQ(toml_faults("a = \"\\\xC3\xA9\"\n"),
              "f.toml:1:7: U+00E9 stands behind a backslash; write \\\\ for a backslash\n");
    EXPECT_EQ(toml_faults("a = '\\\xC3\xA9'\n"), "");
    EXPECT_TRUE(toml_faults("a = 1r\"\xC8\xA8\n").starts_with("f.toml:1:"))
        << "a quote inside a broken value";
    EXPECT_EQ(toml_faults("a = \"\\U000F00E9\"\n"),
              "f.toml:1:6: a private use character of plane 15 stands here; delete it\n");
    EXPECT_TRUE(toml_faults("[\n[a]]\n").starts_with("f.toml:1:2: this is no TOML: "))
        << toml_faults("[\n[a]]\n");
    EXPECT_TRUE(toml_faults("a = 1\na = 2\n").starts_with("f.toml:2:5: this is no TOML: "))
        << toml_faults("a = 1\na = 2\n");
    EXPECT_TRUE(toml_faults("a = \n").starts_with("f.toml:1:5: this is no TOML: ")) << toml_faults("a = \n");
}

TEST(TomlReader, KeepsFileOrderAndPositions) {
    Faults faults;
    const auto root =
        read_toml("f.toml", "z = 1\n[t.b]\nk = [\"x\", \"${ENV:SECRET}\"]\n[t.a]\n\xC3\xA9 = true\n", "",
                  fake_surroundings(), faults);
    EXPECT_EQ(faults.to_text(),
              "f.toml:5:1: U+00E9 stands outside quotes; only strings and comments hold such characters\n");
    const auto good =
        read_toml("f.toml", "z = 1\n[t.b]\nk = [\"x\", \"${ENV:SECRET}\"]\n[t.a]\n'\xC3\xA9' = true\n", "",
                  fake_surroundings(), faults);
    ASSERT_TRUE(good);
    const TomlEntry* t = good->entry("t");
    ASSERT_NE(t, nullptr);
    ASSERT_EQ(t->value.entries.size(), 2U);
    EXPECT_EQ(t->value.entries[0].key, "b");
    EXPECT_EQ(t->value.entries[0].value.entries[0].value.items[1].text, "s3cret");
    EXPECT_EQ(t->value.entries[1].value.entries[0].value.at, (Position{"f.toml", 5, 7}));
    EXPECT_EQ(t->value.entries[1].value.entries[0].key, "\xC3\xA9");
    EXPECT_EQ(t->value.entries[1].value.entries[0].at, (Position{"f.toml", 5, 1}));
}

}  // namespace
}  // namespace latchkey::config
