// Calls to providers over libcurl's multi interface, on one thread of its own; see http_client.h. What curl
// would do by itself and we do not want is switched off here: proxies from the environment, redirects, other
// protocols, signals.
// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <curl/curl.h>

#include "base/ascii.h"
#include "net/address.h"
#include "net/epoll_poller.h"
#include "net/errors.h"
#include "net/fd.h"

namespace latchkey::net {
namespace {

constexpr std::size_t kMaxUrlBytes = 8 * 1024;
constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
constexpr int kIdlePollMs = 60'000;
constexpr int kQueuedPollMs = 50;  // how late a deadline in the queue may be noticed

struct UrlFree {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct EasyFree {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListFree {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::string url_part(CURLU* url, CURLUPart part) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, 0) != CURLUE_OK || text == nullptr) return {};
    std::string out(text);
    curl_free(text);
    return out;
}

bool is_this_machine(const std::string& host) {
    const auto address = parse_address(host, 0);  // knows "localhost", which curl never asks a resolver for
    return address && address->loopback();
}

// What a server sent, fit for a log line.
std::string printable(std::string_view text, std::size_t limit) {
    std::string out;
    for (const char c : text.substr(0, limit))
        out += c >= 0x20 && c < 0x7f ? c : '?';
    return out;
}

const ErrorInfo& error_of(CURLcode code) {
    switch (static_cast<int>(code)) {
        case CURLE_OPERATION_TIMEDOUT:
            return kHttpTimeout;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_INVALIDCERTSTATUS:
        case CURLE_USE_SSL_FAILED:
            return kHttpTlsFailed;
        case CURLE_SSL_CACERT_BADFILE:
            return kHttpCaFile;
        case CURLE_FILESIZE_EXCEEDED:
            return kHttpTooLarge;
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL:  // how curl reports an answer without a status line
        case CURLE_BAD_CONTENT_ENCODING:
        case CURLE_PARTIAL_FILE:
            return kHttpBadAnswer;
        case CURLE_URL_MALFORMAT:
            return kHttpBadUrl;
    }
    return kHttpUnreachable;
}

// One request from fetch() to its answer. Lives on the client's thread once it left the queue.
class Call {
  public:
    Call(HttpRequest request, Mailbox& reply_to, Fetcher::Done done)
        : request_(std::move(request)), reply_to_(&reply_to), done_(std::move(done)) {}

    MonoTime deadline() const { return request_.deadline; }
    CURL* easy() const { return easy_.get(); }

    void answer(Result<HttpResponse> result) {
        reply_to_->deliver(
            [done = std::move(done_), result = std::move(result)]() mutable { done(std::move(result)); });
    }

    /// False when curl has no memory.
    bool prepare(MonoTime now, const HttpClient::Options& options);
    void finish(CURLcode code);

  private:
    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
    void set_credentials();
    void set_tls();
    bool set_headers();
    std::string host() const;
    template <class Value>
    void set(CURLoption option, Value value) {
        LK_IGNORE(curl_easy_setopt(easy_.get(), option, value),
                  "fails only when out of memory or for unknown options");
    }

    HttpRequest request_;
    Mailbox* reply_to_;
    Fetcher::Done done_;
    HttpResponse response_;
    std::size_t header_bytes_ = 0;
    bool too_large_ = false;
    std::unique_ptr<curl_slist, ListFree> headers_;
    std::unique_ptr<CURL, EasyFree> easy_;
    char reason_[CURL_ERROR_SIZE] = {};
};

std::size_t Call::on_body(char* data, std::size_t size, std::size_t count, void* self) {
    Call& call = *static_cast<Call*>(self);
    const std::size_t bytes = size * count;
    if (bytes > call.request_.max_body_bytes - call.response_.body.size()) {
        call.too_large_ = true;
        return 0;
    }
    call.response_.body.append(data, bytes);
    return bytes;
}

std::size_t Call::on_header(char* data, std::size_t size, std::size_t count, void* self) {
    Call& call = *static_cast<Call*>(self);
    const std::size_t bytes = size * count;
    call.header_bytes_ += bytes;
    if (call.header_bytes_ > kMaxHeaderBytes) {
        call.too_large_ = true;
        return 0;
    }
    const std::string_view line(data, bytes);
    if (line.starts_with("HTTP/")) {
        call.response_.headers.clear();  // a 100 Continue came before
        return bytes;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return bytes;
    call.response_.headers.emplace_back(lower(trimmed(line.substr(0, colon))),
                                        std::string(trimmed(line.substr(colon + 1))));
    return bytes;
}

bool Call::set_headers() {
    curl_slist* list = curl_slist_append(nullptr, "Expect:");  // no 100-continue round trip
    for (const auto& [name, value] : request_.headers) {
        curl_slist* longer = curl_slist_append(list, (name + ": " + value).c_str());
        if (longer == nullptr) break;
        list = longer;
    }
    headers_.reset(list);
    set(CURLOPT_HTTPHEADER, headers_.get());
    return list != nullptr;
}

void Call::set_credentials() {
    if (!request_.basic.empty()) {
        set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
        set(CURLOPT_USERPWD, std::string(request_.basic.expose()).c_str());
    } else if (!request_.bearer.empty()) {
        set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
        set(CURLOPT_XOAUTH2_BEARER, std::string(request_.bearer.expose()).c_str());
    }
}

void Call::set_tls() {
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (request_.ca_file.empty()) return;
    set(CURLOPT_CAINFO, request_.ca_file.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // else the system's CAs stay trusted beside it
}

bool Call::prepare(MonoTime now, const HttpClient::Options& options) {
    easy_.reset(curl_easy_init());
    if (!easy_ || !set_headers()) return false;
    using std::chrono::milliseconds;
    const auto left = std::chrono::ceil<milliseconds>(request_.deadline - now);
    const auto connect = std::chrono::ceil<milliseconds>(options.connect_limit);
    set(CURLOPT_URL, request_.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, request_.url.starts_with("https:") ? "https" : "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_USERAGENT, options.user_agent.c_str());
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<milliseconds>(left, milliseconds(1)).count()));
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect.count()));
    set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.max_body_bytes));
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(reason_));
    set(CURLOPT_WRITEFUNCTION, &Call::on_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    set(CURLOPT_HEADERFUNCTION, &Call::on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(this));
    set(CURLOPT_PRIVATE, static_cast<void*>(this));
    set_tls();
    set_credentials();
    if (request_.method == HttpMethod::Post) {
        set(CURLOPT_POST, 1L);
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
        set(CURLOPT_POSTFIELDS, request_.body.expose().data());  // not copied; lives as long as the call
    }
    return true;
}

std::string Call::host() const {
    const std::unique_ptr<CURLU, UrlFree> url(curl_url());
    if (!url || curl_url_set(url.get(), CURLUPART_URL, request_.url.c_str(), 0) != CURLUE_OK) return {};
    return url_part(url.get(), CURLUPART_HOST);
}

void Call::finish(CURLcode code) {
    if (too_large_)
        return answer(
            fail(kHttpTooLarge, host() + ": over " + std::to_string(request_.max_body_bytes) + " bytes"));
    if (code != CURLE_OK) {
        const char* reason =
            reason_[0] == '\0' ? curl_easy_strerror(code) : static_cast<const char*>(reason_);
        return answer(fail(error_of(code), host() + ": " + printable(reason, Error::kMaxDetail)));
    }
    long status = 0;
    LK_IGNORE(curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status), "0 when it fails");
    response_.status = static_cast<int>(status);
    if (status >= 300 && status < 400 && status != 304)
        return answer(fail(kHttpBadRedirect, host() + " to " + printable(response_.header("location"), 80)));
    answer(std::move(response_));
}

std::string_view first_header(const std::vector<std::pair<std::string, std::string>>& headers,
                              std::string_view name) {
    const auto found = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
    return found == headers.end() ? std::string_view{} : std::string_view(found->second);
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
    return first_header(headers, name);
}

Result<void> check_url(std::string_view url, bool allow_plain_http) {
    if (url.empty() || url.size() > kMaxUrlBytes || url.find('\0') != std::string_view::npos)
        return fail(kHttpBadUrl, url);
    const std::unique_ptr<CURLU, UrlFree> parsed(curl_url());
    const std::string text(url);
    if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
        return fail(kHttpBadUrl, url);
    const std::string scheme = url_part(parsed.get(), CURLUPART_SCHEME);
    const std::string host = url_part(parsed.get(), CURLUPART_HOST);
    // Credentials in a URL end up in logs; the text is not repeated here for that reason.
    if (!url_part(parsed.get(), CURLUPART_USER).empty() ||
        !url_part(parsed.get(), CURLUPART_PASSWORD).empty())
        return fail(kHttpBadUrl, "credentials do not belong into a URL");
    if (host.empty() || (scheme != "https" && scheme != "http")) return fail(kHttpBadUrl, url);
    if (scheme == "http" && !allow_plain_http && !is_this_machine(host)) return fail(kHttpPlainRefused, host);
    return {};
}

class HttpClient::Impl {
  public:
    Impl(const Clock& clock, Options options) : clock_(clock), options_(std::move(options)) {
        ignore_broken_pipes();
        LK_IGNORE(curl_global_init(CURL_GLOBAL_DEFAULT),
                  "counted and thread-safe; a failure shows as Unreachable");
        multi_ = curl_multi_init();
        LK_IGNORE(curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(options_.parallel)),
                  "cache size");
        thread_ = std::thread([this] { run(); });
    }
    ~Impl() {
        drain();
        LK_IGNORE(curl_multi_cleanup(multi_), "no handles are left in it");
        curl_global_cleanup();
    }

    void enqueue(std::unique_ptr<Call> call) {
        const ErrorInfo* refused = nullptr;
        {
            const std::lock_guard lock(mutex_);
            if (stopping_)
                refused = &kHttpStopped;
            else if (queue_.size() >= options_.queue_requests)
                refused = &kHttpBusy;
            else
                queue_.push_back(std::move(call));
        }
        if (refused != nullptr) return call->answer(fail(*refused));
        LK_IGNORE(curl_multi_wakeup(multi_), "the thread looks again after its poll in any case");
    }

    void drain() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        LK_IGNORE(curl_multi_wakeup(multi_), "as above");
        if (thread_.joinable()) thread_.join();
    }

    const Clock& clock() const { return clock_; }

  private:
    bool stopping() {
        const std::lock_guard lock(mutex_);
        return stopping_;
    }

    void run() {
        while (!stopping()) {
            const bool waiting = start_waiting();
            int running = 0;
            LK_IGNORE(curl_multi_perform(multi_, &running),
                      "failures come with the messages of their handles");
            collect();
            LK_IGNORE(curl_multi_poll(multi_, nullptr, 0, waiting ? kQueuedPollMs : kIdlePollMs, nullptr),
                      "looks again");
        }
        stop_all();
    }

    /// Moves requests from the queue to curl. @return whether some must wait for others to end
    bool start_waiting() {
        const MonoTime now = clock_.mono();
        std::deque<std::unique_ptr<Call>> ready;
        std::vector<std::unique_ptr<Call>> late;
        bool waiting = false;
        {
            const std::lock_guard lock(mutex_);
            const auto expired = std::stable_partition(
                queue_.begin(), queue_.end(), [now](const auto& call) { return call->deadline() > now; });
            late.assign(std::make_move_iterator(expired), std::make_move_iterator(queue_.end()));
            queue_.erase(expired, queue_.end());
            while (!queue_.empty() && running_.size() + ready.size() < options_.parallel) {
                ready.push_back(std::move(queue_.front()));
                queue_.pop_front();
            }
            waiting = !queue_.empty();
        }
        for (auto& call : late)
            call->answer(fail(kHttpTimeout, "while waiting for its turn"));
        for (auto& call : ready) {
            if (!call->prepare(now, options_) || curl_multi_add_handle(multi_, call->easy()) != CURLM_OK)
                call->answer(fail(kHttpUnreachable, "out of memory"));
            else
                running_.push_back(std::move(call));
        }
        return waiting;
    }

    void collect() {
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            CURL* easy = message->easy_handle;
            const CURLcode code = message->data.result;
            const auto found =
                std::ranges::find(running_, easy, [](const auto& call) { return call->easy(); });
            if (found == running_.end()) continue;
            LK_IGNORE(curl_multi_remove_handle(multi_, easy), "it is in there");
            const std::unique_ptr<Call> call = std::move(*found);
            running_.erase(found);
            call->finish(code);
        }
    }

    void stop_all() {
        for (auto& call : running_) {
            LK_IGNORE(curl_multi_remove_handle(multi_, call->easy()), "it is in there");
            call->answer(fail(kHttpStopped));
        }
        running_.clear();
        std::deque<std::unique_ptr<Call>> unserved;
        {
            const std::lock_guard lock(mutex_);
            unserved.swap(queue_);
        }
        for (auto& call : unserved)
            call->answer(fail(kHttpStopped));
    }

    const Clock& clock_;
    const Options options_;
    CURLM* multi_ = nullptr;
    std::mutex mutex_;  ///< guards queue_ and stopping_: the client's thread is no shard and has no inbox
    std::deque<std::unique_ptr<Call>> queue_;
    bool stopping_ = false;
    std::vector<std::unique_ptr<Call>> running_;  ///< the client's thread only
    std::thread thread_;
};

HttpClient::HttpClient(const Clock& clock, Options options)
    : impl_(std::make_unique<Impl>(clock, std::move(options))) {}

HttpClient::~HttpClient() = default;

void HttpClient::fetch(HttpRequest request, Mailbox& reply_to, Done done) {
    const auto usable = check_url(request.url, request.allow_plain_http);
    request.deadline = std::min(request.deadline, impl_->clock().mono() + kHttpLongest);
    auto call = std::make_unique<Call>(std::move(request), reply_to, std::move(done));
    if (!usable) return call->answer(fail(usable.error()));
    impl_->enqueue(std::move(call));
}

void HttpClient::drain() {
    impl_->drain();
}

Result<HttpResponse> fetch_blocking(const Clock& clock, HttpRequest request) {
    LK_TRY(const std::unique_ptr<EpollPoller> poller, EpollPoller::create());
    WakeWord word;
    Mailbox mailbox(word, *poller);
    HttpClient client(
        clock, {});  // ends before the mailbox: its thread may still be waking us when the answer is here
    Result<HttpResponse> answer = fail(kHttpStopped);
    bool answered = false;
    std::vector<PollEvent> none;
    client.fetch(std::move(request), mailbox, [&](Result<HttpResponse> result) {
        answer = std::move(result);
        answered = true;
    });
    while (!answered) {
        word.begin_turn();
        LK_IGNORE(mailbox.snapshot().serve(), "one answer");
        const MonoTime now = clock.mono();
        if (!answered) poller->wait(now, word.prepare_sleep() ? kNever : now, none);
    }
    return answer;
}

}  // namespace latchkey::net
