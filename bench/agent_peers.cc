#include "bench/agent_peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/file.h"
#include "bench/peer_packages.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kPackages[] = {"rsyslog",        "libestr0",   "libfastjson4",
                                          "liblognorm5",    "libivykis0", "libnet1",
                                          "syslog-ng-core", "libpcre3",   "libwrap0"};

std::vector<std::string> EnvOf(const std::string& root) {
  std::vector<std::string> env = ChildOptions().env;
  env.push_back(
      fmt::format("LD_LIBRARY_PATH={0}/usr/lib/x86_64-linux-gnu:{0}/lib/x86_64-linux-gnu:"
                  "{0}/usr/lib/aarch64-linux-gnu:{0}/usr/lib/syslog-ng:{0}/usr/lib/syslog-ng/3.38",
                  root));
  return env;
}

Result<Child> StartPeer(const std::string& root, std::vector<std::string> argv) {
  ChildOptions options;
  options.argv = std::move(argv);
  options.env = EnvOf(root);
  return Child::Start(options);
}

// The first of the folders that is there: the architecture is part of its name.
std::string ModulesOf(const std::string& root, std::string_view name) {
  for (const std::string_view library : {"x86_64-linux-gnu", "aarch64-linux-gnu"}) {
    const std::string folder = fmt::format("{}/usr/lib/{}/{}", root, library, name);
    if (::access(folder.c_str(), R_OK) == 0) return folder;
  }
  return "";
}

Result<Child> StartRsyslog(const std::string& root, const std::string& folder,
                           const std::string& file, int port) {
  const std::string config = folder + "/rsyslog.conf";
  FLEETMEDIC_RETURN_IF_ERROR(WriteFileAtomic(
      config, fmt::format("global(workDirectory=\"{0}\")\n"
                          "module(load=\"imfile\" mode=\"inotify\")\n"
                          "template(name=\"line\" type=\"string\" string=\"%msg%\\n\")\n"
                          "input(type=\"imfile\" file=\"{1}\" tag=\"bench\")\n"
                          "action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{2}\" "
                          "protocol=\"tcp\" template=\"line\")\n",
                          folder, file, port)));
  return StartPeer(root, {root + "/usr/sbin/rsyslogd", "-n", "-f", config, "-i",
                          folder + "/rsyslog.pid", "-M", ModulesOf(root, "rsyslog")});
}

Result<Child> StartSyslogNg(const std::string& root, const std::string& folder,
                            const std::string& file, int port) {
  const std::string config = folder + "/syslog-ng.conf";
  FLEETMEDIC_RETURN_IF_ERROR(WriteFileAtomic(
      config,
      fmt::format("@version: 3.38\n"
                  "options {{ stats-freq(0); log-fifo-size(1000000); }};\n"
                  "source s {{ file(\"{0}\" flags(no-parse) log-iw-size(100000)); }};\n"
                  "destination d {{ tcp(\"127.0.0.1\" port({1}) template(\"$MSG\\n\")); }};\n"
                  "log {{ source(s); destination(d); flags(flow-control); }};\n",
                  file, port)));
  return StartPeer(
      root, {root + "/usr/sbin/syslog-ng", "-F", "--no-caps", "-f", config, "-R",
             folder + "/persist", "-p", folder + "/syslog-ng.pid", "-c", folder + "/syslog-ng.ctl",
             "--module-path", root + "/usr/lib/syslog-ng/3.38"});
}

}  // namespace

std::vector<Peer> Peers() { return {{"rsyslog", StartRsyslog}, {"syslog_ng", StartSyslogNg}}; }

Result<std::string> UnpackPeers(const std::string& folder, const Clock& clock) {
  return UnpackPackages(kPackages, folder, clock);
}

Result<LineSink> LineSink::Listen() {
  LineSink sink;
  sink.listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (!sink.listener_.ok() || ::bind(sink.listener_.get(), any, size) != 0 ||
      ::listen(sink.listener_.get(), 8) != 0 ||
      ::getsockname(sink.listener_.get(), any, &size) != 0) {
    return FailErrno("listen on loopback", errno);
  }
  sink.port_ = ntohs(address.sin_port);
  return sink;
}

void LineSink::Drain() {
  while (true) {
    UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!connection.ok()) break;
    connections_.push_back(std::move(connection));
  }
  char buffer[256 * 1024];
  for (const UniqueFd& connection : connections_) {
    ssize_t bytes = 0;
    while ((bytes = ::read(connection.get(), buffer, sizeof buffer)) > 0) {
      lines_ += static_cast<uint64_t>(std::count(buffer, buffer + bytes, '\n'));
    }
  }
}

}  // namespace fleetmedic
