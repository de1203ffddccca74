// SPDX-License-Identifier: Apache-2.0
// `mete http-get`: the request of a preStop hook, in a process of its own, because the request needs another network
// namespace, and because bytes sent by a container must not be parsed in the agent.
#include <boost/asio/connect.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/beast/http.hpp>
#include <sched.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <system_error>

#include "agent/base/asio.h"
#include "agent/cli/output.h"
#include "agent/http/asio_ssl.h"
#include "config/pod_spec.h"
#include "runtime/process/process_id.h"

namespace mete::agent::cli {
namespace {

namespace http = boost::beast::http;
using asio::ip::tcp;

struct HttpGetOptions {
  config::HttpGet get;
  runtime::process::ProcessId process;  // the request is made in this process's network namespace
  std::chrono::milliseconds timeout{0};
};

// Ends the process at the timeout, also during name resolution and TLS.
void end_after(std::chrono::milliseconds timeout) {
  std::signal(SIGALRM, [](int) { ::_exit(ETIMEDOUT); });
  struct itimerval timer {};
  timer.it_value.tv_sec = static_cast<time_t>(timeout.count() / 1000);
  timer.it_value.tv_usec = static_cast<suseconds_t>(timeout.count() % 1000 * 1000) + 1;
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

http::request<http::empty_body> request_of(const config::HttpGet& get, const std::string& host) {
  http::request<http::empty_body> request{http::verb::get, get.path, 11};
  const bool is_v6 = host.find(':') != std::string::npos;
  request.set(http::field::host, (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(get.port));
  request.set(http::field::user_agent, "mete/" METE_VERSION);
  request.set(http::field::connection, "close");
  for (const auto& [name, value] : get.headers) request.set(name, value);
  return request;
}

// The first line of the response is enough: a server has taken the request. The rest is not parsed, so that a server's
// unusual line ends are no failure.
template <class Stream>
void ask(Stream& stream, const http::request<http::empty_body>& request) {
  http::write(stream, request);
  constexpr std::size_t kMost = 4096;
  std::string line;
  asio::read_until(stream, asio::dynamic_buffer(line, kMost), '\n');
  if (!line.starts_with("HTTP/")) throw std::system_error(EPROTO, std::generic_category());
}

void get_it(const HttpGetOptions& options) {
  const auto& get = options.get;
  const std::string host = get.host.empty() ? "127.0.0.1" : get.host;
  asio::io_context loop;
  // Resolved in the machine's namespaces, because most pods have no resolver.
  const auto addresses = tcp::resolver(loop).resolve(host, std::to_string(get.port));
  const auto pidfd = runtime::process::open_pidfd(options.process);
  if (!pidfd) throw std::system_error(pidfd.error().code, std::generic_category());
  if (::setns(pidfd->get(), CLONE_NEWNET) != 0) throw std::system_error(errno, std::generic_category());
  const auto request = request_of(get, host);
  if (!get.https) {
    tcp::socket socket(loop);
    asio::connect(socket, addresses);
    return ask(socket, request);
  }
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_verify_mode(asio::ssl::verify_none);
  asio::ssl::stream<tcp::socket> stream(loop, context);
  asio::connect(stream.next_layer(), addresses);
  stream.handshake(asio::ssl::stream_base::client);
  ask(stream, request);
}

// Returns 0, or the errno of the failure.
int http_get(const HttpGetOptions& options) {
  end_after(options.timeout);
  try {
    get_it(options);
    return kDone;
  } catch (const boost::system::system_error& error) {
    const auto& code = error.code();
    complain(error.what());
    if (code.category() == asio::error::get_netdb_category() || code.category() == asio::error::get_addrinfo_category())
      return EHOSTUNREACH;
    // Errors of HTTP and TLS are not errno values.
    return code.category() == boost::system::system_category() && code.value() > 0 ? code.value() : EPROTO;
  } catch (const std::system_error& error) {
    complain(error.what());
    return error.code().value();
  }
}

}  // namespace

void add_http_get(CommandLine& line) {
  auto options = std::make_shared<HttpGetOptions>();
  auto* command = line.add({"http-get", "The request of a preStop hook", ""}, [options] { return http_get(*options); });
  command->add_option("--pid", options->process.pid)->required();
  command->add_option("--start-time", options->process.start_time)->required();
  command
      ->add_option("--timeout-ms",
                   [options](const CLI::results_t& values) {
                     std::int64_t milliseconds = 0;
                     if (!CLI::detail::lexical_cast(values.front(), milliseconds)) return false;
                     options->timeout = std::chrono::milliseconds(milliseconds);
                     return true;
                   })
      ->required();
  command->add_option("--to", options->get.host);
  command->add_option("--port", options->get.port)->required();
  command->add_option("--path", options->get.path)->required();
  command->add_flag("--https", options->get.https);
  command
      ->add_option("--header",
                   [options](const CLI::results_t& values) {
                     for (const auto& value : values)
                       options->get.headers.emplace_back(value.substr(0, value.find(':')),
                                                         value.substr(value.find(':') + 1));
                     return true;
                   })
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace mete::agent::cli
