"""What a script says if Python has not got the packages that it needs."""
import importlib
import os
import sys


def needs(*modules, group):
    """Ends the script with status 1 and one line unless every one of `modules` can be imported.

    Called before their import, so that --help says it too.  group: that of install-deps.sh that installs
    them, for the system's own Python; another one (pyenv, conda) does not see those.
    """
    missing = []
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError:
            missing.append(module)
    if missing:
        script = sys.argv[0]
        sys.exit(f"{os.path.basename(script)}: {sys.executable} has no {' and no '.join(missing)}: run "
                 f"scripts/install-deps.sh {group}, then /usr/bin/python3 {script}; or pip install {' '.join(missing)}")
