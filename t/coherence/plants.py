"""Bugs in the module itself, each with the check that has to find it.

The tree is copied, the bug put into the copy and the copy built; what is
shipped knows nothing of it.  A plant names its file by its base name, since
files move.  A plant that no longer fits fails loudly, and t/plants/run finds
it."""

import os
import shutil
import subprocess
import tempfile

from servers import TOP, Failure

# Where a file of a plant is looked for.
SOURCES = ("ngx_http_magasin_module", "sql/statements")


class Plant:
    """file: its base name, that one file of SOURCES has.  old: the text
    that stands there exactly once; new: what takes its place; more: other
    such pairs.

    check: of checker.py; or "soon" for how late answers elsewhere may be,
    "crowd" for more than one statement on a cold key."""

    def __init__(self, name, file, old, new, check="own_writes",
                 phase="no-faults", seconds=2.0, more=()):
        self.name = name
        self.file = file
        self.changes = [(old, new), *more]
        self.check = check
        self.phase = phase
        self.seconds = seconds


PLANTS = [
    # An answer that was computed before a write is stored as if after it.
    Plant("filled-late", "ngx_http_magasin_cache_content.c",
          "    content->epoch = question->epoch;\n",
          "    ngx_http_magasin_store_capture(store, question);\n"
          "    content->epoch = question->epoch;\n"),
    # A number that only grows, in the place of a snapshot: who commits late
    # is missed.
    Plant("by-number", "cache_poll.sql",
          "         WHERE xid = journal_place(journal_vie(), x)\n",
          "         WHERE false AND xid = journal_place(journal_vie(), x)\n",
          "elsewhere", seconds=8),
    # What a reservation holds is held until somebody writes.
    Plant("outlived", "ngx_http_magasin_cache_fill.c",
          "    if (valid_for) {\n        answer->expires",
          "    if (valid_for && valid_for > 60000) {\n"
          "        answer->expires", seconds=5),
    Plant("silent-write", "ngx_http_magasin_cache_write.c",
          "    ngx_http_magasin_tags_raise(cache->shared, tags);\n", ""),
    # First this node, and Redis a moment later: a read between them brings
    # back what Redis still has.
    Plant("raised-first", "ngx_http_magasin_cache_write.c",
          "    cache = ev->data;\n",
          """    cache = ev->data;

    if (!ev->timedout) {
        for (q = ngx_queue_head(&cache->notices);
             q != ngx_queue_sentinel(&cache->notices);
             q = ngx_queue_next(q))
        {
            notice = ngx_queue_data(q, ngx_http_magasin_cache_notice_t, queue);
            if (!notice->telling) {
                ngx_http_magasin_cache_raise(cache, &notice->tags,
                                             notice->tell.xid, notice->epoch,
                                             NGX_OK);
            }
        }
        ngx_add_timer(ev, 5);
        return;
    }

    ev->timedout = 0;
""", more=[(
              "    ngx_http_magasin_cache_raise(notice->tell.cache, "
              "&notice->tags,\n"
              "                                 notice->tell.xid, "
              "notice->epoch, rc);\n", "")]),
    # What Redis was not told is asked of it all the same.
    Plant("no-debt", "ngx_http_magasin_cache_redis_tell.c",
          "        (void) ngx_atomic_fetch_add(&shared->debt, 1);\n", "",
          phase="redis-paused", seconds=4),
    # Any Redis is taken for the one that the node was told of.
    Plant("one-redis", "ngx_http_magasin_cache_redis_keys.c",
          "? ngx_hash_key(state.run_id.data, state.run_id.len) | 1 : 0;",
          "? 1 : 0;", phase="redis-twice", seconds=10),
    # Nobody has looked for changes, and answers are used for ever.
    Plant("always-fresh", "ngx_http_magasin_cache.c",
          "    return ngx_http_magasin_now() < cache->shared->fresh_until\n",
          "    return 1\n", "elsewhere", "database-silent", 10),
    # The poller takes everything for known.
    Plant("all-handled", "ngx_http_magasin_tags.c",
          "    return shared->handled[mark % NGX_HTTP_MAGASIN_HANDLED] == "
          "mark;\n",
          "    return mark || shared->handled[0];\n", "elsewhere"),
    Plant("forgotten-tag", "ngx_http_magasin_tags.c",
          "    ngx_http_magasin_tags_add(tags, "
          "NGX_HTTP_MAGASIN_TAG_DISPONIBILITE,\n"
          "                              produit, 0);\n", ""),
    # A cache key without the values of its parameters.
    Plant("one-key", "ngx_http_magasin_read.c",
          "            p = ngx_cpymem(p, job->values[i], lens[i]);\n", "",
          "bodies"),
    # Nobody listens to Redis: the poller alone is a bound, but not soon.
    Plant("deaf", "ngx_http_magasin_cache_poller_lease.c",
          "    if (ngx_http_magasin_cache_hint(poller->cache,",
          "    if (message || ngx_http_magasin_cache_hint(poller->cache,",
          "soon"),
    Plant("no-flight", "ngx_http_magasin_cache.c",
          "        return ngx_http_magasin_flight_join(cr);\n",
          "        return NGX_DECLINED;\n", "crowd"),
]


def path_of(plant, root):
    paths = [os.path.join(directory, plant.file)
             for source in SOURCES
             for directory, _, names in os.walk(os.path.join(root, source))
             if plant.file in names]
    if len(paths) != 1:
        raise Failure(f"{len(paths)} files are called {plant.file}: "
                      f"plant {plant.name} anew")
    return paths[0]


def changed(plant, root):
    """(the path of the file, its text, its text with the bug)"""
    path = path_of(plant, root)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    wrong = text
    for old, new in plant.changes:
        if wrong.count(old) != 1 or new == old:
            raise Failure(f"{plant.file} has changed: adapt the plant "
                          f"{plant.name}")
        wrong = wrong.replace(old, new)
    return path, text, wrong


class Garden:
    """A copy of the tree, in which one bug at a time grows."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="magasin-plants-")
        shutil.copytree(TOP, self.root, dirs_exist_ok=True, symlinks=True,
                        ignore=shutil.ignore_patterns(
                            ".git", "run", "node_modules", "servroot*"))
        # So that non-root workers may read the module.
        os.chmod(self.root, 0o755)

    def grow(self, plant):
        """The module with this bug in it."""
        path, text, wrong = changed(plant, self.root)
        with open(path, "w", encoding="utf-8") as f:
            f.write(wrong)
        try:
            done = subprocess.run(
                ["make", "-s", "-C", self.root, "build"], text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, check=False)
            if done.returncode:
                raise Failure(f"{plant.name} cannot be built: "
                              f"{done.stdout[-2000:]}")
        finally:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        return os.path.join(self.root, "build", "ngx_http_magasin_module.so")

    def forget(self):
        shutil.rmtree(self.root, ignore_errors=True)
