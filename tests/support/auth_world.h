// What tests of auth stand on: a clock that is set by hand, mailboxes that run when told, a fetcher with
// scripted and hostile answers that counts what it is asked, and a provider that signs tokens. One thread, no
// network.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "auth/realm.h"
#include "base/random.h"
#include "crypto/signer.h"
#include "net/errors.h"
#include "net/http_client.h"
#include "net/poller.h"

namespace latchkey::test {

class ManualClock final : public Clock {
  public:
    MonoTime mono_now{std::chrono::hours(1)};
    WallTime wall_now{std::chrono::seconds(1'800'000'000)};
    MonoTime mono() const override { return mono_now; }
    WallTime wall() const override { return wall_now; }
    void pass(Duration by) {
        mono_now += by;
        wall_now += std::chrono::duration_cast<std::chrono::milliseconds>(by);
    }
};

class IdlePoller final : public net::Poller {
  public:
    Result<void> add(int, net::PollToken, net::Interest) override { return {}; }
    void modify(int, net::PollToken, net::Interest) override {}
    void remove(int) override {}
    void wait(MonoTime, MonoTime, std::vector<net::PollEvent>&) override {}
    void wake() override {}
};

/// A mailbox whose owner is the test.
struct HandMailbox {
    net::WakeWord word;
    IdlePoller poller;
    net::Mailbox box{word, poller};
    /// Serves what is there. @return how many
    std::size_t run() { return box.snapshot().serve(); }
};

class FakeFetcher final : public net::Fetcher {
  public:
    using Answer = std::function<Result<net::HttpResponse>(const net::HttpRequest&)>;
    /// Answers at once, into the mailbox; without one everything stays open until answer_open().
    Answer answer;
    std::vector<net::HttpRequest> requests;

    void fetch(net::HttpRequest request, net::Mailbox& reply_to, Done done) override {
        requests.push_back(request);
        open_.push_back({std::move(request), &reply_to, std::move(done)});
        if (answer) answer_open(answer);
    }
    std::size_t open() const { return open_.size(); }
    void answer_open(const Answer& with) {
        std::vector<Open> now;
        now.swap(open_);
        for (Open& one : now)
            one.reply_to->deliver([done = std::move(one.done), response = with(one.request)]() mutable {
                done(std::move(response));
            });
    }
    /// What the real one does at a request's deadline.
    void expire(MonoTime now) {
        std::vector<Open> all;
        all.swap(open_);
        for (Open& one : all) {
            if (one.request.deadline > now) {
                open_.push_back(std::move(one));
                continue;
            }
            one.reply_to->deliver([done = std::move(one.done)]() mutable { done(fail(net::kHttpTimeout)); });
        }
    }

  private:
    struct Open {
        net::HttpRequest request;
        net::Mailbox* reply_to;
        Done done;
    };
    std::vector<Open> open_;
};

inline net::HttpResponse http_ok(std::string body, std::string cache_control = {}) {
    net::HttpResponse response{200, std::move(body), {}};
    if (!cache_control.empty()) response.headers.emplace_back("cache-control", std::move(cache_control));
    return response;
}

inline crypto::Signer make_signer(crypto::Algorithm algorithm = crypto::Algorithm::EdDsa) {
    auto signer = crypto::Signer::generate(algorithm);
    EXPECT_TRUE(signer) << signer.error().message();
    return *std::move(signer);
}
inline std::string sign(const crypto::Signer& signer, const std::string& payload,
                        std::string_view typ = "at+jwt") {
    auto token = signer.sign_compact(signer.header(typ), payload);
    EXPECT_TRUE(token) << token.error().message();
    return token ? *std::move(token) : std::string();
}
inline std::string jwk_set(std::initializer_list<const crypto::Signer*> signers) {
    std::string keys;
    for (const crypto::Signer* signer : signers)
        keys += (keys.empty() ? "" : ",") + signer->public_jwk();
    return "{\"keys\":[" + keys + "]}";
}

struct AuthWorld {
    ManualClock clock;
    SeededRandom random{7};
    HandMailbox home;
    HandMailbox background;
    FakeFetcher fetcher;

    /// Runs both mailboxes until nothing happens any more.
    void run() {
        while (home.run() + background.run() > 0) {
        }
    }
    auth::Attempt attempt(const auth::Facts& facts, Duration patience = std::chrono::seconds(10)) {
        return {facts, home.box, clock.mono(), clock.mono() + patience, clock.wall(), false};
    }
    std::int64_t now_s() const {
        return std::chrono::floor<std::chrono::seconds>(clock.wall()).time_since_epoch().count();
    }
};

/// Facts of a CONNECT with this user name and password.
inline auth::Facts connect_facts(std::optional<std::string> user, std::optional<std::string> password,
                                 std::string client_id = "c1") {
    auth::Facts facts;
    facts.listener = "tls";
    facts.remote_address = "127.0.0.1";
    std::optional<Secret> secret;
    if (password) secret = Secret(*password);
    facts.set_connect(std::move(client_id), std::move(user), std::move(secret));
    return facts;
}

}  // namespace latchkey::test
