// Fuzzes sequences of packets through the connection's state: however the bytes are cut and whether or not
// the handler stops after each packet, the same packets come in the same order up to the same error; nothing
// comes behind an error. The client side's state machine gets the same bytes. fuzz_replay_test.cpp in
// src/mqtt replays the corpus through this file.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>

#include "../tests/support/mqtt_recorder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace latchkey::mqtt;
    const Bytes in = std::as_bytes(std::span(data, size));
    const Limits limits{.max_packet_bytes = 2048,
                        .max_connect_bytes = 512,
                        .topic_alias_maximum = 3,
                        .max_user_properties = 8};
    probe::check_split_invariance(in, limits);
    for (const Level level : {Level::V311, Level::V5}) {
        std::string logs[2];
        for (const std::size_t chunk : {std::size_t{3}, size}) {
            ClientConnection client(level, limits);
            probe::ClientRecorder recorder;
            probe::feed(client, recorder, in, limits.max_packet_bytes, [&] { return chunk; });
            logs[chunk == 3 ? 0 : 1] = recorder.log;
        }
        if (size != 3 && logs[0] != logs[1]) std::abort();
    }
    return 0;
}
