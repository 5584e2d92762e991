#include "bench/log_kinds.h"

namespace fleetmedic {
namespace {

constexpr LineForm kKernel[] = {
    {6, 6, "{iface}: renamed from veth{x:7}"},
    {6, 6, "docker0: port {d:40}(veth{x:7}) entered blocking state"},
    {6, 6, "docker0: port {d:40}(veth{x:7}) entered forwarding state"},
    {6, 5, "docker0: port {d:40}(veth{x:7}) entered disabled state"},
    {6, 4, "device veth{x:7} left promiscuous mode"},
    {6, 4, "IPv6: ADDRCONF(NETDEV_CHANGE): veth{x:7}: link becomes ready"},
    {6, 3,
     "audit: type=1400 audit({e}:{d:90000}): apparmor=\"STATUS\" operation=\"profile_replace\" "
     "profile=\"unconfined\" name=\"{task}\" pid={d:99999} comm=\"apparmor_parser\""},
    {5, 2, "TCP: request_sock_TCP: Possible SYN flooding on port {port}. Sending cookies."},
    {6, 2, "nvme {disk}: {d:64}/0/0 default/read/poll queues"},
    {6, 2,
     "EXT4-fs ({disk}): mounted filesystem {uuid} r/w with ordered data mode. Quota mode: none."},
    {6, 2, "XFS ({disk}): Mounting V5 Filesystem {uuid}"},
    {4, 2,
     "perf: interrupt took too long ({d:9999} > {d:9999}), lowering "
     "kernel.perf_event_max_sample_rate to {d:90000}"},
    {6, 2, "mlx5_core {pci} {iface}: Link up"},
    {6, 3, "IPVS: rr: TCP {ip}:{port} - no destination available"},
    {6, 3,
     "[UFW BLOCK] IN={iface} OUT= MAC={mac}:{mac}:08:00 SRC={ip} DST={ip} LEN={d:1500} TOS=0x00 "
     "PREC=0x00 TTL={d:255} ID={d:65535} PROTO=TCP SPT={port} DPT={port} WINDOW=1024 RES=0x00 "
     "SYN URGP=0"},
    {6, 1, "process '{path}' started with executable stack"},
};
constexpr LineForm kSystemd[] = {
    {6, 9, "Started session-{d:99999}.scope - Session {d:99999} of User {user}."},
    {6, 9, "session-{d:99999}.scope: Deactivated successfully."},
    {6, 6, "Starting {unit}.service - {word} {word} of the host..."},
    {6, 6, "Started {unit}.service - {word} {word} of the host."},
    {6, 6, "Finished {unit}.service - {word} {word} clean-up."},
    {6, 5, "{unit}.service: Consumed {f:90}s CPU time."},
    {6, 5, "run-docker-runtime\\x2drunc-moby-{cid}-runc.{x:6}.mount: Deactivated successfully."},
    {6, 5, "var-lib-docker-overlay2-{cid}-merged.mount: Deactivated successfully."},
    {6, 4, "docker-{cid}.scope: Consumed {f:4000}s CPU time."},
    {6, 3, "Created slice user-{d:2000}.slice - User Slice of UID {d:2000}."},
    {6, 3, "Removed slice user-{d:2000}.slice - User Slice of UID {d:2000}."},
    {6, 3, "Reached target timers.target - Timer Units."},
    {4, 1, "{unit}.service: Unit process {d:99999} ({task}) remains running after unit stopped."},
    {6, 2, "Reloading."},
};
constexpr LineForm kSshd[] = {
    {6, 6,
     "Accepted publickey for {user} from {ip} port {port} ssh2: ED25519 "
     "SHA256:{x:32}{x:11}"},
    {6, 6, "pam_unix(sshd:session): session opened for user {user}(uid={d:2000}) by (uid=0)"},
    {6, 6, "pam_unix(sshd:session): session closed for user {user}"},
    {6, 5, "Received disconnect from {ip} port {port}:11: disconnected by user"},
    {6, 5, "Disconnected from user {user} {ip} port {port}"},
    {6, 4, "Connection closed by {ip} port {port} [preauth]"},
    {6, 3, "Invalid user {word} from {ip} port {port}"},
    {4, 2, "error: kex_exchange_identification: Connection closed by remote host"},
    {6, 2, "Failed password for invalid user {word} from {ip} port {port} ssh2"},
};
constexpr LineForm kCron[] = {
    {6, 6, "pam_unix(cron:session): session opened for user {user}(uid={d:2000}) by (uid=0)"},
    {6, 6,
     "({user}) CMD (/usr/local/bin/{word}-{word} --once --lock /run/lock/{word} "
     ">/dev/null 2>&1)"},
    {6, 6, "pam_unix(cron:session): session closed for user {user}"},
    {6, 3, "(root) CMD (   cd / && run-parts --report /etc/cron.hourly)"},
    {6, 2, "({user}) CMD (test -x /usr/sbin/{word} && /usr/sbin/{word} --sweep {file})"},
};
constexpr LineForm kDocker[] = {
    {6, 6,
     "time=\"{t}\" level=info msg=\"ignoring event\" container={cid} module=libcontainerd "
     "namespace=moby topic=/tasks/delete type=\"*events.TaskDelete\""},
    {6, 4,
     "time=\"{t}\" level=info msg=\"Container failed to exit within 10s of signal 15 - using "
     "the force\" container={cid} spanID={x:16} traceID={x:32}"},
    {6, 3, "time=\"{t}\" level=info msg=\"cleaning up dead shim\""},
    {6, 3,
     "time=\"{t}\" level=info msg=\"Attempting next endpoint for pull after error: "
     "unauthorized\" image=\"registry.{word}.example/{image}:{x:12}\""},
    {4, 2,
     "time=\"{t}\" level=warning msg=\"cleanup warnings time=\\\"{t}\\\" level=info "
     "msg=\\\"starting signal loop\\\" namespace=moby pid={d:99999}\""},
    {7, 2, "time=\"{t}\" level=debug msg=\"Calling GET /v1.43/containers/{cid}/json\""},
    {6, 2, "time=\"{t}\" level=info msg=\"Layer sha256:{cid} cleaned up\""},
    {3, 1,
     "time=\"{t}\" level=error msg=\"Handler for POST /v1.43/containers/{cid}/exec returned "
     "error: container is not running\""},
};
constexpr LineForm kKubelet[] = {
    {6, 5,
     "I{k} {d:9999} kubelet.go:2{d:999}] \"SyncLoop (PLEG): event for pod\" pod=\"{ns}/{pod}\" "
     "event=&{ID:{uuid} Type:ContainerStarted Data:{cid}}"},
    {6, 4,
     "I{k} {d:9999} reconciler_common.go:2{d:99}] "
     "\"operationExecutor.VerifyControllerAttachedVolume "
     "started for volume \\\"{word}-config\\\" (UniqueName: "
     "\\\"kubernetes.io/configmap/{uuid}-{word}-config\\\") pod \\\"{pod}\\\"\""},
    {6, 4,
     "I{k} {d:9999} kubelet_getters.go:1{d:99}] \"Pod status updated\" pod=\"{ns}/{pod}\" "
     "status=\"Running\""},
    {6, 3, "I{k} {d:9999} scope.go:115] \"RemoveContainer\" containerID=\"{cid}\""},
    {4, 2,
     "W{k} {d:9999} watcher.go:93] Error while processing event "
     "(\"/sys/fs/cgroup/kubepods.slice/cri-containerd-{cid}.scope\": 0x40000100 == "
     "IN_CREATE|IN_ISDIR): no such file or directory"},
    {3, 2,
     "E{k} {d:9999} pod_workers.go:1294] \"Error syncing pod, skipping\" err=\"failed to "
     "\\\"StartContainer\\\" for \\\"{task}\\\" with CrashLoopBackOff\" pod=\"{ns}/{pod}\" "
     "podUID={uuid}"},
    {6, 3,
     "I{k} {d:9999} prober.go:107] \"Probe failed\" probeType=\"Readiness\" "
     "pod=\"{ns}/{pod}\" containerName=\"{task}\" output=\"HTTP probe failed with "
     "statuscode: 503\""},
    {6, 2,
     "I{k} {d:9999} trace.go:236] Trace[{d:99999999}]: \"iptables ChainExists\" (total time: "
     "{d:9999}ms)"},
};
constexpr LineForm kContainerd[] = {
    {6, 5,
     "time=\"{t}\" level=info msg=\"CreateContainer within sandbox \\\"{cid}\\\" for container "
     "&ContainerMetadata{Name:{task},Attempt:{d:9},}\""},
    {6, 4, "time=\"{t}\" level=info msg=\"StartContainer for \\\"{cid}\\\" returns successfully\""},
    {6, 4, "time=\"{t}\" level=info msg=\"shim disconnected\" id={cid} namespace=k8s.io"},
    {4, 3,
     "time=\"{t}\" level=warning msg=\"cleaning up after shim disconnected\" id={cid} "
     "namespace=k8s.io"},
    {6, 3,
     "time=\"{t}\" level=info msg=\"PullImage \\\"registry.{word}.example/{image}:{x:12}\\\" "
     "returns image reference \\\"sha256:{cid}\\\"\""},
    {6, 3, "time=\"{t}\" level=info msg=\"StopPodSandbox for \\\"{cid}\\\"\""},
    {6, 2,
     "time=\"{t}\" level=info msg=\"ImageUpdate event name:\\\"sha256:{cid}\\\" "
     "labels:{key:\\\"io.cri-containerd.image\\\" value:\\\"managed\\\"}\""},
};
constexpr LineForm kMesos[] = {
    {6, 5,
     "I{g} {d:99999} slave.cpp:2{d:999}] Got assigned task '{task}.{uuid}' for framework "
     "{uuid}-0000"},
    {6, 4,
     "I{g} {d:99999} slave.cpp:5{d:999}] Handling status update TASK_RUNNING (Status UUID: {uuid}) "
     "for task {task}.{uuid} of framework {uuid}-0000 from executor(1)@{ip}:{port}"},
    {6, 4,
     "I{g} {d:99999} task_status_update_manager.cpp:328] Received task status update "
     "TASK_RUNNING (Status UUID: {uuid}) for task {task}.{uuid} of framework {uuid}-0000"},
    {6, 3, "I{g} {d:99999} containerizer.cpp:1{d:999}] Starting container {uuid}"},
    {6, 3,
     "I{g} {d:99999} http.cpp:1{d:99}] HTTP GET for /slave(1)/state from {ip}:{port} with "
     "User-Agent='python-requests/2.28.1'"},
    {4, 2,
     "W{g} {d:99999} memory.cpp:{d:600}] Requested an update of 'memory.soft_limit_in_bytes' "
     "to {d:9999}MB for container {uuid}"},
    {6, 2,
     "I{g} {d:99999} gc.cpp:95] Scheduling '{path}' for gc {d:6}.{d:99999}days in the future"},
};
constexpr LineForm kCloudInit[] = {
    {7, 5,
     "{s} - util.py[DEBUG]: Writing to /var/lib/cloud/instances/i-{x:17}/sem/config_{word} - wb: "
     "[644] {d:40} bytes"},
    {7, 5,
     "{s} - subp.py[DEBUG]: Running command ['ip', 'link', 'show', '{iface}'] with allowed "
     "return codes [0] (shell=False, capture=True)"},
    {7, 4, "{s} - helpers.py[DEBUG]: config-{word} already ran (freq=once-per-instance)"},
    {6, 3,
     "{s} - url_helper.py[DEBUG]: [0/1] open 'http://169.254.169.254/latest/meta-data/{word}' "
     "with {'timeout': 5.0, 'headers': {'User-Agent': 'Cloud-Init/22.4.2'}} configuration"},
    {7, 3,
     "{s} - handlers.py[DEBUG]: finish: modules-config/config-{word}: SUCCESS: config-{word} "
     "previously ran"},
    {4, 1,
     "{s} - stages.py[WARNING]: No network config applied. Neither a new instance nor datasource "
     "network update allowed"},
};
constexpr LineForm kAudit[] = {
    {6, 5,
     "type=SYSCALL msg=audit({e}:{d:999999}): arch=c000003e syscall={d:330} success=yes exit=0 "
     "a0={x:12} a1={x:12} a2={x:3} a3=0 items={d:4} ppid={d:99999} pid={d:99999} "
     "auid={d:2000} uid=0 gid=0 euid=0 tty=(none) ses={d:9999} comm=\"{task}\" exe=\"{file}\" "
     "subj=unconfined key=\"{word}\""},
    {6, 4, "type=CWD msg=audit({e}:{d:999999}): cwd=\"{path}\""},
    {6, 4,
     "type=PATH msg=audit({e}:{d:999999}): item=0 name=\"{path}\" inode={d:9999999} dev=fd:00 "
     "mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0"},
    {6, 3, "type=PROCTITLE msg=audit({e}:{d:999999}): proctitle={x:48}"},
    {6, 2,
     "type=USER_ACCT msg=audit({e}:{d:999999}): pid={d:99999} uid=0 auid={d:2000} ses={d:9999} "
     "msg='op=PAM:accounting acct=\"{user}\" exe=\"/usr/sbin/cron\" hostname=? addr=? "
     "terminal=cron res=success'"},
};
constexpr LineForm kJson[] = {
    {6, 5,
     "{\"ts\":\"{t}\",\"level\":\"info\",\"logger\":\"{word}.ingest\",\"msg\":\"batch stored\","
     "\"shard\":{d:512},\"rows\":{d:20000},\"took_ms\":{d:900},\"trace\":\"{x:32}\"}"},
    {6, 4,
     "{\"ts\":\"{t}\",\"level\":\"info\",\"logger\":\"http\",\"msg\":\"request\",\"method\":"
     "\"GET\","
     "\"path\":\"/v1/{word}/{d:99999}\",\"status\":200,\"peer\":\"{ip}:{port}\","
     "\"took_ms\":{f:90}}"},
    {7, 3,
     "{\"ts\":\"{t}\",\"level\":\"debug\",\"logger\":\"cache\",\"msg\":\"evicted\",\"key\":\"{word}"
     ":"
     "{x:16}\",\"bytes\":{d:900000}}"},
    {4, 2,
     "{\"ts\":\"{t}\",\"level\":\"warn\",\"logger\":\"{word}.client\",\"msg\":\"slow reply\","
     "\"peer\":\"{ip}:{port}\",\"took_ms\":{d:9000},\"attempt\":{d:5}}"},
    {3, 1,
     "{\"ts\":\"{t}\",\"level\":\"error\",\"logger\":\"{word}.client\",\"msg\":\"dial tcp "
     "{ip}:{port}: "
     "connect: connection refused\",\"retry_in_ms\":{d:9000}}"},
};
constexpr LineForm kNetwork[] = {
    {6, 5, "<info>  [{e}] device (veth{x:7}): carrier: link connected"},
    {6, 4,
     "<info>  [{e}] manager: (veth{x:7}): new Veth device (/org/freedesktop/NetworkManager/Devices/"
     "{d:9999})"},
    {6, 4,
     "<info>  [{e}] device ({iface}): state change: config -> ip-config (reason 'none', "
     "sys-iface-state: 'external')"},
    {6, 3, "<info>  [{e}] dhcp4 ({iface}): state changed new lease, address={ip}"},
    {4, 1, "<warn>  [{e}] connectivity: (veth{x:7}) timed out"},
};
constexpr LineForm kChrony[] = {
    {6, 4, "Selected source {ip}"},
    {6, 3, "Source {ip} replaced with {ip} ({word}.ntp.example)"},
    {6, 3, "System clock wrong by {f:2} seconds"},
    {4, 2, "Can't synchronise: no majority"},
};

constexpr LogKind kKinds[] = {
    {"kernel", 14, kKernel},
    {"journal:init.scope", 12, kSystemd},
    {"journal:ssh.service", 6, kSshd},
    {"journal:cron.service", 6, kCron},
    {"journal:docker.service", 11, kDocker},
    {"journal:kubelet.service", 14, kKubelet},
    {"journal:containerd.service", 9, kContainerd},
    {"file:/var/log/mesos/mesos-agent.INFO", 8, kMesos},
    {"file:/var/log/cloud-init.log", 4, kCloudInit},
    {"file:/var/log/audit/audit.log", 9, kAudit},
    {"file:/var/log/ingest/ingest.json", 5, kJson},
    {"journal:NetworkManager.service", 5, kNetwork},
    {"journal:chrony.service", 2, kChrony},
};

}  // namespace

std::span<const LogKind> LogKinds() { return kKinds; }

}  // namespace fleetmedic
