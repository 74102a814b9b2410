// The node that carries one closure and then itself away; see completion.h.
// SPDX-License-Identifier: Apache-2.0
#include "net/completion.h"

#include <memory>
#include <utility>

namespace latchkey::net {
namespace {

class Letter final : public InboxNode {
  public:
    explicit Letter(Deliver answer) : answer_(std::move(answer)) {}
    void serve() override {
        const std::unique_ptr<Letter> self(this);
        if (answer_) answer_();
    }
    void drop() override { delete this; }

  private:
    Deliver answer_;
};

}  // namespace

void Mailbox::deliver(Deliver answer) {
    // Owned by the inbox until served or dropped.
    inbox_.post(*std::make_unique<Letter>(std::move(answer)).release());
}

}  // namespace latchkey::net
