"""Servers that a script of scripts/ starts and stops."""

import os
import signal
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))


class Failure(Exception):
    """There is no result; the message says why."""


class Script:
    """Whoever is one names the script, has its `environment`, and the file that
    its `output` goes to.  At the end of a `with` it is stopped, whatever signals
    come then."""

    script = None

    def __init__(self, environment, output):
        self.environment = environment
        self.output = output

    def __exit__(self, *_):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self.command("stop")

    def command(self, *words):
        # Into a file: a pipe would be held open by the servers.
        with open(self.output, "a", encoding="utf-8") as log:
            log.write(f"-- {time.strftime('%T')} {' '.join(words)}\n")
            log.flush()
            done = self.run(words, stdin=subprocess.DEVNULL, stdout=log,
                            stderr=log, check=False)
        if done.returncode:
            raise Failure(f"{self.script} {' '.join(words)} failed: "
                          f"see {self.output}")

    def answer(self, *words):
        return self.run(words, stdout=subprocess.PIPE, check=True,
                        text=True).stdout.strip()

    def run(self, words, **more):
        return subprocess.run([os.path.join(TOP, "scripts", self.script),
                               *words], env=self.environment, **more)
