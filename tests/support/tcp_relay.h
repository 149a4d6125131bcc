// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_TCP_RELAY_H_
#define GRANTKEEP_TESTS_SUPPORT_TCP_RELAY_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace grantkeep::testing {

// Which connections a setting of a TcpRelay hits: those of which all that is set here is true.
struct RelayHits {
  std::optional<size_t> number = {};  // counted from 0 in the order of arrival
  std::string sent = {};              // is among the first 4096 bytes of the client
  bool open_now = false;              // open when the setting is made
};

// Stands in front of a server and passes on what both sides send, but can be made a bad network, on a
// thread of its own. What is set is in force when the call returns, for bytes on their way, too. Only the
// last setting of each kind holds.
class TcpRelay {
 public:
  // The way of the bytes.
  enum class Way { kToServer, kToClient, kBoth };
  enum class Ending {
    kReset,    // RST to both sides
    kClose,    // FIN to both sides
    kSilence,  // the answers stop, as in a black hole
  };

  // In front of 127.0.0.1:`server_port`.
  explicit TcpRelay(uint16_t server_port);
  explicit TcpRelay(const std::filesystem::path& unix_socket);
  // Resets all connections.
  ~TcpRelay();
  TcpRelay(const TcpRelay&) = delete;
  TcpRelay& operator=(const TcpRelay&) = delete;

  // Where it listens, on 127.0.0.1; the same for life. A client whose server is not there is reset.
  uint16_t port() const;

  // Bytes that come from now on travel `delay` longer; their order is kept.
  void SetDelay(std::chrono::milliseconds delay, RelayHits hits = {}, Way way = Way::kBoth);
  // Bytes, and the ends of connections, are taken and go nowhere. A connection that has lost bytes
  // loses all that follow, even when the hole is closed again: with a gap it would be no TCP.
  void BlackHole(bool on, RelayHits hits = {}, Way way = Way::kBoth);
  // A connection ends when it has delivered `bytes` more bytes of answers, counted from now, or from
  // when `hits` first holds for it.
  void CutAnswersAfter(size_t bytes, Ending ending, RelayHits hits = {});
  void ResetAfterBytes(size_t bytes, RelayHits hits = {}) {
    CutAnswersAfter(bytes, Ending::kReset, std::move(hits));
  }
  // Sends RST to both sides of open connections.
  void ResetAll(RelayHits hits = {});
  // New connections are refused. Open ones stay.
  void Refuse(bool on);
  // As after the constructor, but for connections that have lost bytes.
  void Heal();

  size_t connections() const;       // accepted so far
  size_t open_connections() const;  // of these
  uint64_t bytes(Way way) const;    // delivered so far

 private:
  struct State;

  std::unique_ptr<State> state_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_TCP_RELAY_H_
