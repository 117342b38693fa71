"""Do planted bugs still fit what they are planted in?"""

import sys


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
