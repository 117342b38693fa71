"""What breaks, and how it is mended.

Each is a function of the system; it breaks something, and returns a list of
commands of scripts/ha.sh that mend it."""


def machine_killed(system):
    """The primary's machine is gone: etcd, Patroni, PostgreSQL."""
    name = system.primary("postgres")
    system.command("kill", name)
    return [("boot", name)]


def primary_frozen(system):
    """The primary's machine stops, and goes on when another one has begun."""
    name = system.primary("postgres")
    system.command("freeze", name)
    return [("thaw", name)]


def link_cut(system):
    """Nobody hears the primary's machine, and it hears nobody."""
    name = system.primary("postgres")
    system.command("cut", name)
    return [("join", name)]


def redis_killed(system):
    """The Redis that is the primary is gone."""
    name = system.primary("redis")
    system.command("kill", name, "redis")
    return [("boot", name)]


def node_killed(system):
    """One nginx is gone."""
    system.command("kill", "app2", "nginx")
    return [("boot", "app2")]


def postgres_frozen(system):
    """The primary alone stops; its Patroni and its etcd go on."""
    name = system.primary("postgres")
    system.command("freeze", name, "postgres")
    return [("thaw", name)]


def link_deaf(system):
    """The primary's machine speaks, and hears nobody."""
    name = system.primary("postgres")
    system.command("cut", name, "in")
    return [("join", name)]


def link_mute(system):
    """The primary's machine hears, and nobody hears it."""
    name = system.primary("postgres")
    system.command("cut", name, "out")
    return [("join", name)]


def standby_killed(system):
    """The synchronous standby's machine is gone."""
    name = system.ask("standby")
    system.command("kill", name)
    return [("boot", name)]


def disk_full(system):
    """The primary cannot write; it lives, so that no other one begins."""
    name = system.primary("postgres")
    system.command("fill", name)
    return [("empty", name), ("boot", name)]


def all_at_once(system):
    """The primary of PostgreSQL, that of Redis, and a node."""
    name, cache = system.primary("postgres"), system.primary("redis")
    node = "app1" if cache != "app1" else "app2"
    system.command("kill", name)
    system.command("kill", cache, "redis")
    system.command("kill", node, "nginx")
    return [("boot", name), ("boot", cache), ("boot", node)]


# Each with the fewest seconds for which it is left broken.
SHORT = [(machine_killed, 5), (primary_frozen, 10), (link_cut, 10),
         (redis_killed, 5), (node_killed, 5)]
LONG = [(postgres_frozen, 10), (link_deaf, 10), (link_mute, 10),
        (standby_killed, 5), (disk_full, 15), (all_at_once, 5)]

# What does not end by itself.
NEEDS_A_PERSON = {disk_full}
