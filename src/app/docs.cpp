// `latchkey docs`: reference pages out of the tables that the program itself runs on.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdio>
#include <span>
#include <string>

#include <fmt/core.h>

#include "admin/errors.h"
#include "app/bench_errors.h"
#include "app/cli.h"
#include "app/errors.h"
#include "app/mqtt_client_errors.h"
#include "auth/errors.h"
#include "base/errors.h"
#include "broker/errors.h"
#include "config/errors.h"
#include "config/reference.h"
#include "crypto/errors.h"
#include "net/errors.h"
#include "policy/errors.h"
#include "store/errors.h"
#include "topic/errors.h"

namespace latchkey::app {
namespace {

using Rows = std::span<const ErrorInfo* const>;

std::string escape_cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out.push_back('\\');
        out.push_back(c);
    }
    return out;
}

std::string row_text(const ErrorInfo& row) {
    return fmt::format("| {} | `{}` | {} | {} |\n", row.number, row.name, escape_cell(row.text),
                       escape_cell(row.remedy));
}

std::string errors_page() {
    const std::array<std::pair<std::string_view, Rows>, 11> rooms{{{"base", kBaseErrors},
                                                                   {"topic", topic::kErrors},
                                                                   {"crypto", crypto::kErrors},
                                                                   {"policy", policy::kErrors},
                                                                   {"net", net::kErrors},
                                                                   {"store", store::kErrors},
                                                                   {"auth", auth::kErrors},
                                                                   {"broker", broker::kErrors},
                                                                   {"config", config::kErrors},
                                                                   {"admin", admin::kErrors},
                                                                   {"app", kErrors}}};
    std::string out = "# Errors\n\nNumbers and names never change their meaning.\n";
    for (const auto& [room, rows] : rooms) {
        out += fmt::format(
            "\n## {}\n\n| number | name | what happened | what to do |\n| --- | --- | --- | --- |\n", room);
        for (const ErrorInfo* row : rows)
            out += row_text(*row);
    }
    for (const ErrorInfo* row : kMqttClientErrors)
        out += row_text(*row);
    for (const ErrorInfo* row : kBenchErrors)
        out += row_text(*row);
    return out;
}

}  // namespace

int run_docs(const DocsArgs& args) {
    if (args.kind == "errors") {
        std::fputs(errors_page().c_str(), stdout);
        return kOk;
    }
    // The command line admits three kinds.
    std::fputs((args.kind == "schema" ? config::json_schema() : config::reference_page()).c_str(), stdout);
    return kOk;
}

}  // namespace latchkey::app
