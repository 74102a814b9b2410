// `latchkey explain`: the same pipeline and the same decision as in a running broker, with a sink that keeps
// every step; or a past denial, asked of the broker that made it.
// SPDX-License-Identifier: Apache-2.0
#include "policy/explain.h"

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "app/assemble.h"
#include "app/cli.h"
#include "app/files.h"
#include "app/mailbox_loop.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"
#include "config/load.h"
#include "net/http_client.h"
#include "policy/bind.h"
#include "topic/name.h"
#include "topic/share.h"

namespace latchkey::app {
namespace {

constexpr Duration kLoginLimit = std::chrono::seconds(20);

int failed(const Error& error) {
    complain(error.message());
    return kFailed;
}

/// A past decision, from the admin port of the broker that made it.
int explain_live(const ExplainArgs& args) {
    const SystemClock clock;
    net::HttpRequest request;
    request.url = args.live + (args.live.ends_with('/') ? "" : "/") + "decisions/" + args.decision +
                  (args.json ? "" : "?format=text");
    request.deadline = clock.mono() + std::chrono::seconds(10);
    const auto response = net::fetch_blocking(clock, std::move(request));
    if (!response) return failed(response.error());
    if (response->status != 200) {
        complain(
            fmt::format("{}: the broker at {} knows no such decision (it keeps the last denials of this run)",
                        args.decision, args.live));
        return kFailed;
    }
    std::fputs((response->body + (args.json ? "\n" : "")).c_str(), stdout);
    return kDenied;
}

/// Everything one question needs, on one thread: this one pumps the mailbox that realms answer to.
struct Stage {
    SystemClock clock;
    SystemRandom random;
    policy::AuthorityTable authorities{HashSeed{}};
    std::unique_ptr<MailboxLoop> loop;
    std::unique_ptr<net::HttpClient> http;
    std::unique_ptr<Assembly> assembly;

    ~Stage() {
        if (assembly) assembly->drain();
        if (http) http->drain();
    }
};

Result<auth::LoginResult> log_in(Stage& stage, const auth::Pipeline& pipeline, const ExplainArgs& args) {
    std::optional<Secret> password;
    const std::string& file = args.token_file.empty() ? args.password_file : args.token_file;
    if (!file.empty()) {
        LK_TRY(password, read_secret_file(file));
    }
    const MonoTime now = stage.clock.mono();
    auth::LoginRequest request{.facts = {},
                               .home = stage.loop->mailbox(),
                               .started = now,
                               .deadline = now + kLoginLimit,
                               .now = stage.clock.wall(),
                               .pin = {}};
    request.facts.listener = args.listener;
    request.facts.remote_address = "127.0.0.1";
    request.facts.set_connect(args.client_id, args.user_name, std::move(password));
    const auto result = std::make_shared<std::optional<auth::LoginResult>>();
    pipeline.login(std::move(request), [result](auth::LoginResult done) { *result = std::move(done); });
    const bool answered = stage.loop->pump_until([&] { return result->has_value(); }, stage.clock,
                                                 kLoginLimit + std::chrono::seconds(5));
    if (!answered) return auth::LoginResult{};
    return std::move(**result);
}

/// The answer while it is put together: text for people, JSON for machines.
struct Answer {
    std::string text;
    std::string json_text;
    json::Writer json{json_text};

    void line(const std::string& value) { text += escape_for_terminal(value) + "\n"; }
};

void tell_login(Answer& answer, const auth::LoginResult& login) {
    answer.json.begin_array("realms");
    for (const auth::LoginAudit::Step& step : login.audit.steps) {
        const bool granted = step.verdict == auth::VerdictKind::Granted;
        const std::string cause = granted ? std::string() : step.cause.message();
        answer.line(fmt::format("realm {}: {}{}{}", step.realm, auth::name_of(step.verdict),
                                cause.empty() ? "" : ": ", cause));
        answer.json.begin_object().field("realm", step.realm);
        answer.json.field("verdict", auth::name_of(step.verdict)).field("cause", cause).end_object();
    }
    answer.json.end_array();
    answer.line(fmt::format("login: {}{}", auth::name_of(login.outcome),
                            login.outcome == auth::Outcome::Granted ? "" : ": " + login.cause.message()));
    answer.json.field("login", auth::name_of(login.outcome));
    if (login.outcome != auth::Outcome::Granted) {
        answer.json.field("cause", login.cause.message());
        return;
    }
    answer.line("principal: " + policy::describe(login.principal));
    answer.line(fmt::format("roles: {}", fmt::join(login.audit.roles, ", ")));
    answer.line(fmt::format("rights from: {}", fmt::join(login.audit.blocks, ", ")));
    for (const auth::Facts::Variable& variable : login.facts.variables()) {
        const auto* value = std::get_if<std::string>(&variable.value);
        if (value == nullptr) continue;
        answer.line(fmt::format("variable {} = {} ({})", variable.name, *value,
                                variable.standing == auth::Standing::Proven ? "proven" : "claimed"));
    }
    answer.json.field("principal", policy::describe(login.principal)).field("client", login.client_id);
    answer.json.field("roles", std::span<const std::string>(login.audit.roles));
    answer.json.field("rights_from", std::span<const std::string>(login.audit.blocks));
}

/// The request as the broker would put it. An invalid topic is told and nothing is decided.
Result<policy::Request> make_request(const ExplainArgs& args) {
    policy::Request request;
    request.qos = static_cast<std::uint8_t>(args.qos);
    if (args.publish) {
        LK_CHECK(topic::validate_name(*args.publish));
        request.act = policy::Act::Publish;
        request.topic = *args.publish;
        request.retain = args.retain;
        return request;
    }
    request.act = policy::Act::Subscribe;
    LK_TRY(const auto share, topic::parse_share(*args.subscribe));
    request.topic = share ? share->filter : std::string_view(*args.subscribe);
    if (share) request.group = share->group;
    LK_CHECK(topic::validate_filter(request.topic));
    return request;
}

void tell_decision(Answer& answer, const ExplainArgs& args, const policy::Program& program,
                   const policy::Request& request, const policy::Decision& decision,
                   const policy::TraceSink& trace) {
    answer.line(fmt::format("{} {} QoS {}{}", args.publish ? "publish" : "subscribe",
                            args.publish ? *args.publish : *args.subscribe, args.qos,
                            args.retain && args.publish ? " retained" : ""));
    answer.json.begin_array("considered");
    for (const policy::TraceStep& step : trace.steps()) {
        answer.line(fmt::format("  {}{}, {}: {}", step.list.empty() ? "" : step.list + ": ",
                                policy::describe(step.block->ref), policy::describe(*step.rule),
                                policy::describe(step)));
        answer.json.begin_object().field("rule", policy::describe(*step.rule));
        answer.json.field("block", policy::describe(step.block->ref)).field("step", policy::describe(step));
        answer.json.end_object();
    }
    answer.json.end_array();
    if (trace.cut()) answer.line("  (more rules were asked than are shown)");
    if (!trace.uncovered_topic().empty())
        answer.line("not allowed among the topics of the filter: " + trace.uncovered_topic());
    answer.line(fmt::format("reason: {}", policy::name(decision.reason)));
    answer.json.field("reason", policy::name(decision.reason));
    if (decision.house != policy::HouseRule::None)
        answer.line(fmt::format("house rule: {}", policy::text(decision.house)));
    if (decision.rule != nullptr) {
        answer.line("rule: " + policy::describe(*decision.rule));
        answer.json.field("rule", policy::where(*decision.rule));
    }
    if (!decision.allowed()) {
        if (const auto near = policy::nearest_allow(program, request)) {
            answer.line("nearest rule that would have allowed: " + policy::describe(*near));
            answer.json.field("nearest", policy::describe(*near));
        }
    }
}

/// Allowed filters are granted by several rules at times; name each that matched, as the broker's answer has
/// one.
int decide_and_tell(Answer& answer, const ExplainArgs& args, const Stage& stage,
                    const auth::LoginResult& login) {
    const auto request = make_request(args);
    if (!request) {
        answer.line("not a valid topic: " + request.error().message());
        answer.json.field("reason", "invalid-topic");
        return kDenied;
    }
    const policy::Program program = policy::bind(stage.assembly->policy(), login.authority);
    policy::TraceSink trace;
    const policy::Decision decision = policy::decide(program, *request, &trace);
    tell_decision(answer, args, program, *request, decision, trace);
    return decision.allowed() ? kOk : kDenied;
}

Result<bool> set_stage(Stage& stage, const ExplainArgs& args) {
    config::LoadOptions options;
    options.allow_plain_http = args.allow_plain_http;
    options.listener_kinds.assign(supported_listeners().begin(), supported_listeners().end());
    config::Loaded loaded = config::load(args.config, options);
    if (!loaded.configuration) {
        std::fputs(loaded.faults.to_text().c_str(), stderr);
        return false;
    }
    LK_TRY(stage.loop, MailboxLoop::create());
    stage.http = std::make_unique<net::HttpClient>(stage.clock, net::HttpClient::Options{});
    const Services services{.clock = stage.clock,
                            .random = stage.random,
                            .fetcher = *stage.http,
                            .background = stage.loop->mailbox(),
                            .pool = nullptr,
                            .authorities = stage.authorities};
    Faults faults;
    stage.assembly = Assembly::build(*std::move(loaded.configuration), services, 1, faults);
    const bool ready = stage.assembly != nullptr && stage.assembly->prepare(faults);
    if (!ready) std::fputs(faults.to_text().c_str(), stderr);
    return ready;
}

}  // namespace

int run_explain(const ExplainArgs& args) {
    if (!args.decision.empty()) return explain_live(args);
    Stage stage;
    const auto ready = set_stage(stage, args);
    if (!ready) return failed(ready.error());
    if (!*ready) return kFailed;
    const config::Configuration& configuration = stage.assembly->configuration();
    Answer answer;
    answer.json.begin_object();
    answer.line(
        fmt::format("listener {}: {}", args.listener, describe_pipeline(configuration, args.listener)));
    int code = kDenied;
    if (const auto pipeline = stage.assembly->pipeline_of(args.listener)) {
        const auto login = log_in(stage, *pipeline, args);
        if (!login) return failed(login.error());
        tell_login(answer, *login);
        if (login->outcome == auth::Outcome::Granted) code = decide_and_tell(answer, args, stage, *login);
    }
    answer.line(code == kOk ? "allowed" : "denied");
    answer.json.field("allowed", code == kOk).end_object();
    std::fputs(args.json ? (answer.json_text + "\n").c_str() : answer.text.c_str(), stdout);
    return code;
}

}  // namespace latchkey::app
