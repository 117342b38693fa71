"""Do planted bugs still fit what they are planted in?"""

import sys


def with_mistake(what, texts, old, new):
    """The texts with `new` for `old`.  Raises ValueError where none of them has
    it; what: what they are, for its words."""
    texts = list(texts)
    if not any(old in text for text in texts):
        raise ValueError(f"no {old} in {what}")
    return [text.replace(old, new) for text in texts]


def fit(plants):
    """The exit status.  plants: {name: a function that plants it, and raises an
    exception where that changes nothing}."""
    failed = 0
    for name, plant in plants.items():
        try:
            plant()
        # Whatever it is: the others have to be tried as well.
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print(f"{name} does not fit: {type(error).__name__}: {error}",
                  file=sys.stderr)
    print(f"{len(plants) - failed} of {len(plants)} planted bugs fit")
    return 1 if failed or not plants else 0
