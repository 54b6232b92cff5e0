# SPDX-License-Identifier: EPL-2.0
"""CPU time and resident memory of processes, from /proc."""
import os
import resource

TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")


def _stat(pid):
    """Parent, own CPU time and that of children which have ended, in microseconds."""
    with open(f"/proc/{pid}/stat") as f:
        text = f.read()
    fields = text[text.rindex(")") + 2:].split()
    user, system, user_ended, system_ended = (int(x) * TICK_US for x in fields[11:15])
    return int(fields[1]), user + system, user_ended + system_ended


def _family(root):
    """CPU time of a process's children, by pid."""
    found = {}
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and _stat(name)[0] == root:
                found[name] = _stat(name)[1]
        except (FileNotFoundError, ProcessLookupError):
            pass  # ended meanwhile
    return found


def family_cpu(root):
    """Microseconds of a process, its children, and its children that have ended."""
    while True:
        ended, children = _stat(root)[2], _family(root)
        if _stat(root)[2] == ended:  # nobody ended meanwhile, to be counted twice or not at all
            return sum(_stat(root)[1:]) + sum(children.values())


def children_cpu():
    """Microseconds of this process's own children that have ended: the load generators."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1e6


def machine_cpu():
    """Microseconds that all cores together were busy."""
    with open("/proc/stat") as f:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, f.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) * TICK_US


def _status_mb(pid, name):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
    raise LookupError(name)


def resident(pid):
    """MiB resident now."""
    return _status_mb(pid, "VmRSS")


def resident_peak(pid):
    """MiB resident at most since reset_peak()."""
    return _status_mb(pid, "VmHWM")


def reset_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w") as f:
        f.write("5")
