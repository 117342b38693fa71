"""What a suite expects, line by line."""


def say(text):
    print(text, flush=True)


class Suite:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def expect(self, fine, what, details=()):
        if fine:
            self.passed += 1
            say(f"ok - {what}")
            return
        self.failed += 1
        say(f"not ok - {what}")
        details = list(details)
        for line in details[:5]:
            say(f"#   {str(line)[:500]}")
        if len(details) > 5:
            say(f"#   and {len(details) - 5} more")

    def expect_all(self, when, found):
        for name, lines in found.items():
            self.expect(not lines, f"{when}: {name}", lines)
