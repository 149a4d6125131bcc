// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_HELD_HTTP_H_
#define GRANTKEEP_TESTS_E2E_HELD_HTTP_H_

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <string>

namespace grantkeep::testing {

// A web server that takes one request and answers when told.
class HeldHttp {
 public:
  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }

  // Waits for a request and reads its head.
  void TakeRequest() {
    acceptor_.accept(socket_);
    boost::asio::streambuf head;
    boost::asio::read_until(socket_, head, "\r\n\r\n");
  }
  void AnswerJson(const std::string& body) {
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n" +
                               ("Content-Length: " + std::to_string(body.size())) + "\r\n\r\n" + body;
    boost::asio::write(socket_, boost::asio::buffer(answer));
    socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send);
  }

 private:
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_{
      context_, boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)};
  boost::asio::ip::tcp::socket socket_{context_};
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_HELD_HTTP_H_
