// For tests: lines of the logs of hosts from a seed, each with the number of the message that it is
// one of.
#ifndef FLEETMEDIC_STREAM_LABELLED_LINES_H_
#define FLEETMEDIC_STREAM_LABELLED_LINES_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace fleetmedic {

struct LabelledLine {
  std::string line;
  std::string_view source;
  size_t message = 0;  // in LabelledMessages
};

struct LabelledMessage {
  std::string_view source;
  // Holes: %d number, %x hexadecimal, %a address and port, %4 address, %m MAC, %u user, %p path,
  // %c container, %v device, %g UUID, %f decimal, %s service, %t time, %T time of syslog, %n host.
  std::string_view form;
};

inline constexpr LabelledMessage kLabelledMessages[] = {
    // The kernel.
    {"kernel", "nvme %v: I/O %d (I/O Cmd) QID %d timeout, aborting"},
    {"kernel", "nvme %v: Abort status: 0x%x"},
    {"kernel", "blk_update_request: I/O error, dev %v, sector %d op 0x%x:(READ) flags 0x%x"},
    {"kernel",
     "EXT4-fs error (device %v): ext4_lookup:%d: inode #%d: comm %s: deleted inode referenced: "
     "%d"},
    {"kernel", "Buffer I/O error on dev %v, logical block %d, lost async page write"},
    {"kernel", "CPU%d: Core temperature above threshold, cpu clock throttled (total events = %d)"},
    {"kernel",
     "mlx5_core 0000:%x:00.0: cmd_work_handler:%d:(pid %d): failed to allocate command entry"},
    {"kernel",
     "TCP: request_sock_TCP: Possible SYN flooding on port %d. Sending cookies.  Check SNMP "
     "counters."},
    {"kernel",
     "EDAC MC%d: %d CE memory read error on CPU_SrcID#%d_MC#%d (channel:%d slot:%d page:0x%x)"},
    {"kernel",
     "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=%c,task=%s,pid=%d,uid=%d"},
    // systemd.
    {"journal:init.scope", "%s.service: Main process exited, code=exited, status=%d/FAILURE"},
    {"journal:init.scope", "%s.service: Failed with result 'exit-code'."},
    {"journal:init.scope", "%s.service: Scheduled restart job, restart counter is at %d."},
    {"journal:init.scope", "Failed to start %s.service - the %s daemon of this host."},
    {"journal:init.scope", "%s.service: State 'stop-sigterm' timed out. Killing."},
    {"journal:init.scope", "%s.service: Watchdog timeout (limit %dmin)!"},
    // dockerd.
    {"journal:docker.service",
     "time=\"%t\" level=warning msg=\"cleaning up after shim disconnected\" id=%c "
     "namespace=moby"},
    {"journal:docker.service",
     "time=\"%t\" level=error msg=\"Handler for POST /v1.%d/containers/%c/start returned error: "
     "driver failed programming external connectivity on endpoint\""},
    {"journal:docker.service",
     "time=\"%t\" level=error msg=\"Error unmounting %p: device or resource busy\" container=%c"},
    {"journal:docker.service",
     "time=\"%t\" level=warning msg=\"Health check for container %c error: context deadline "
     "exceeded\""},
    {"journal:docker.service",
     "time=\"%t\" level=error msg=\"attach failed with error: error attaching stdout stream: "
     "write unix /run/docker.sock->@: write: broken pipe\""},
    // containerd.
    {"journal:containerd.service",
     "time=\"%t\" level=error msg=\"failed to handle container TaskExit event "
     "container_id:\\\"%c\\\" pid:%d exit_status:%d\" error=\"failed to stop container: unknown "
     "error after kill: runc did not terminate successfully\""},
    {"journal:containerd.service",
     "time=\"%t\" level=error msg=\"StopPodSandbox for \\\"%c\\\" failed\" error=\"failed to "
     "destroy network for sandbox: plugin type=\\\"calico\\\" failed (delete): connection is "
     "unauthorized\""},
    {"journal:containerd.service", "time=\"%t\" level=warning msg=\"unknown status\" status=%d"},
    {"journal:containerd.service",
     "time=\"%t\" level=error msg=\"collecting metrics for %c\" error=\"cgroups: cgroup deleted: "
     "unknown\""},
    // The kubelet.
    {"journal:kubelet.service",
     "E0301 02:%d:04.%d    %d pod_workers.go:%d] \"Error syncing pod, skipping\" err=\"failed to "
     "StartContainer with CrashLoopBackOff\" pod=\"prod/%s-%x\" podUID=%g"},
    {"journal:kubelet.service",
     "W0301 02:%d:04.%d    %d prober.go:%d] \"Probe failed\" probeType=\"Liveness\" "
     "pod=\"prod/%s-%x\" podUID=%g output=\"HTTP probe failed with statuscode: %d\""},
    {"journal:kubelet.service",
     "E0301 02:%d:04.%d    %d kubelet_volumes.go:%d] \"There were many similar errors\" "
     "err=\"orphaned pod %g found, but error not a directory occurred when trying to remove the "
     "volumes dir\""},
    {"journal:kubelet.service",
     "E0301 02:%d:04.%d    %d remote_runtime.go:%d] \"RunPodSandbox from runtime service "
     "failed\" err=\"rpc error: code = DeadlineExceeded desc = context deadline exceeded\""},
    {"journal:kubelet.service",
     "W0301 02:%d:04.%d    %d reflector.go:%d] object-\"kube-system\"/\"coredns\": watch of "
     "*v1.ConfigMap ended with: an error on the server has prevented the request"},
    // sshd and cron, by syslog's file.
    {"file:/var/log/auth.log",
     "%T %n sshd[%d]: Failed password for invalid user %u from %4 port %d ssh2"},
    {"file:/var/log/auth.log",
     "%T %n sshd[%d]: error: kex_exchange_identification: Connection closed by remote host"},
    {"file:/var/log/auth.log",
     "%T %n sshd[%d]: fatal: Timeout before authentication for %4 port %d"},
    {"file:/var/log/auth.log",
     "%T %n sudo: pam_unix(sudo:auth): authentication failure; logname=%u uid=%d euid=0 "
     "tty=/dev/pts/%d ruser=%u rhost=  user=%u"},
    {"file:/var/log/auth.log",
     "%T %n CRON[%d]: pam_unix(cron:session): error while opening session for %u"},
    // nginx.
    {"file:/var/log/nginx/error.log",
     "2026/03/01 02:%d:04 [error] %d#%d: *%d connect() failed (111: Connection refused) while "
     "connecting to upstream, client: %4, server: www, request: \"GET /api/%s/%d HTTP/1.1\", "
     "upstream: \"http://%a/\""},
    {"file:/var/log/nginx/error.log",
     "2026/03/01 02:%d:04 [warn] %d#%d: *%d an upstream response is buffered to a temporary file "
     "/var/cache/nginx/proxy_temp/%d/%d/%d while reading upstream"},
    {"file:/var/log/nginx/error.log",
     "2026/03/01 02:%d:04 [crit] %d#%d: *%d SSL_do_handshake() failed (SSL: error:141CF06C:SSL "
     "routines:tls_parse_ctos_key_share:bad key share) while SSL handshaking, client: %4"},
    {"file:/var/log/nginx/error.log",
     "2026/03/01 02:%d:04 [error] %d#%d: accept4() failed (24: Too many open files)"},
    // A Java service.
    {"file:/var/log/app/app.log",
     "2026-03-01 02:%d:04,%d WARN  [pool-%d-thread-%d] com.zaxxer.hikari.pool.HikariPool - "
     "HikariPool-%d - Thread starvation or clock leap detected (housekeeper delta=%dms)."},
    {"file:/var/log/app/app.log",
     "2026-03-01 02:%d:04,%d ERROR [pool-%d-thread-%d] c.e.orders.OrderService - Order %g could "
     "not be stored: java.sql.SQLTransientConnectionException: Connection is not available"},
    {"file:/var/log/app/app.log",
     "2026-03-01 02:%d:04,%d WARN  [kafka-producer-network-thread | producer-%d] "
     "o.a.kafka.clients.NetworkClient - Connection to node %d (%n/%a) could not be established. "
     "Broker may not be available."},
    {"file:/var/log/app/app.log",
     "2026-03-01 02:%d:04,%d ERROR [http-nio-8080-exec-%d] c.e.web.Errors - Request of user %u "
     "to %p took %f s and was aborted"},
    // A Go service in JSON.
    {"journal:api.service",
     "{\"level\":\"error\",\"ts\":%f,\"caller\":\"store/store.go:%d\",\"msg\":\"query "
     "failed\",\"query_id\":\"%g\",\"error\":\"pq: deadlock detected\"}"},
    {"journal:api.service",
     "{\"level\":\"warn\",\"ts\":%f,\"caller\":\"raft/raft.go:%d\",\"msg\":\"slow "
     "fdatasync\",\"took\":\"%fs\",\"expected-duration\":\"1s\"}"},
    {"journal:api.service",
     "{\"level\":\"warn\",\"ts\":%f,\"caller\":\"rafthttp/"
     "probing_status.go:%d\",\"msg\":\"prober detected unhealthy "
     "status\",\"remote-peer-id\":\"%x\",\"rtt\":\"%fms\",\"error\":\"dial tcp %a: connect: no "
     "route to host\"}"},
    // A network device's driver and DHCP.
    {"journal:systemd-networkd.service", "%v: Could not set DHCPv4 address: Connection timed out"},
    {"journal:systemd-networkd.service", "%v: Lost carrier of the neighbour %m"},
    {"journal:dhclient",
     "DHCPDISCOVER on %v to 255.255.255.255 port 67 interval %d (xid=0x%x): no answer"},
};

inline std::span<const LabelledMessage> LabelledMessages() { return kLabelledMessages; }

// SplitMix64.
class LabelledLines {
 public:
  explicit LabelledLines(uint64_t seed) : state_(seed) {}

  LabelledLine Next() { return Of(Below(LabelledMessages().size())); }

  LabelledLine Of(size_t message) {
    const LabelledMessage& of = LabelledMessages()[message];
    LabelledLine made{"", of.source, message};
    for (size_t i = 0; i < of.form.size(); ++i) {
      if (of.form[i] == '%' && i + 1 < of.form.size()) {
        made.line += Hole(of.form[++i]);
      } else {
        made.line += of.form[i];
      }
    }
    return made;
  }

  uint64_t Bits() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t Below(uint64_t limit) { return Bits() % limit; }

 private:
  template <size_t n>
  std::string OneOf(const std::array<std::string_view, n>& words) {
    return std::string(words[Below(n)]);
  }

  std::string Hole(char kind) {
    static constexpr std::array<std::string_view, 12> kUsers = {
        "root",   "admin", "bob",    "alice",   "deploy",  "postgres",
        "oracle", "test",  "ubuntu", "jenkins", "mallory", "carol"};
    static constexpr std::array<std::string_view, 10> kServices = {
        "web",  "orders",  "billing", "search-index", "cache",
        "auth", "gateway", "mailer",  "ledger",       "reports"};
    static constexpr std::array<std::string_view, 6> kDevices = {"nvme0", "nvme1n1", "sda1",
                                                                 "eth0",  "eth12",   "dm-3"};
    static constexpr std::array<std::string_view, 5> kPaths = {
        "/var/lib/docker/overlay2/{:x}/merged", "/data/disk{}", "/mnt/volumes/{}/x", "/srv/{:x}",
        "/api/v1/orders/{}"};
    switch (kind) {
      case 'd':
        return std::to_string(Below(Below(2) == 0 ? 60 : 1'000'000));
      case 'x':
        return fmt::format("{:x}", Bits() >> (20 + Below(24)));
      case 'a':
        return fmt::format("10.{}.{}.{}:{}", Below(256), Below(256), Below(256),
                           1024 + Below(60000));
      case '4':
        return fmt::format("10.{}.{}.{}", Below(256), Below(256), Below(256));
      case 'm':
        return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", Below(256), Below(256),
                           Below(256), Below(256), Below(256), Below(256));
      case 'u':
        return OneOf(kUsers);
      case 'p':
        return fmt::format(fmt::runtime(OneOf(kPaths)), Bits() >> 24);
      case 'c':
        return fmt::format("{:016x}{:016x}{:016x}{:016x}", Bits(), Bits(), Bits(), Bits());
      case 'v':
        return OneOf(kDevices);
      case 'g':
        return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", Bits() >> 32, Below(65536),
                           Below(65536), Below(65536), Bits() >> 16);
      case 'f':
        return fmt::format("{}.{}", Below(2000), Below(1000));
      case 's':
        return OneOf(kServices);
      case 't':
        return fmt::format("2026-03-01T02:{:02}:{:02}.{:09}Z", Below(60), Below(60),
                           Below(1'000'000'000));
      case 'T':
        return fmt::format("{} {:2} 02:{:02}:{:02}", Below(2) == 0 ? "Mar" : "Apr", 1 + Below(30),
                           Below(60), Below(60));
      default:
        return fmt::format("web-{}", Below(500));
    }
  }

  uint64_t state_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_LABELLED_LINES_H_
