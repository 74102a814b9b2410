// The binary: one command line, one command.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>
#include <vector>

#include "app/cli.h"

namespace {

using namespace latchkey::app;

struct Runner {
    int operator()(const ServeArgs& args) const { return run_serve(args); }
    int operator()(const CheckArgs& args) const { return run_check(args); }
    int operator()(const ExplainArgs& args) const { return run_explain(args); }
    int operator()(const TokenFetchArgs& args) const { return run_token_fetch(args); }
    int operator()(const TokenMintArgs& args) const { return run_token_mint(args); }
    int operator()(const TokenDecodeArgs& args) const { return run_token_decode(args); }
    int operator()(const PubArgs& args) const { return run_pub(args); }
    int operator()(const SubArgs& args) const { return run_sub(args); }
    int operator()(const ImportArgs& args) const { return run_import(args); }
    int operator()(const BenchOptions& options) const { return run_bench(options); }
    int operator()(const DocsArgs& args) const { return run_docs(args); }
};

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
    const Parsed parsed = parse(arguments);
    if (!parsed.text.empty()) std::fputs(parsed.text.c_str(), parsed.exit_code == kOk ? stdout : stderr);
    if (!parsed.command) return parsed.exit_code;
    return std::visit(Runner{}, *parsed.command);
}
