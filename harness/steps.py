# SPDX-License-Identifier: GPL-2.0-only
"""The series as steps, each of which leaves a tree that builds.

A step is a file in patches/series/. Its head says what it brings:

    Files: names in the grafted tree, also of what it removes; * stays in a folder,
        and a name that ends in / is all that is below
    Options: those whose text in drivers/dma-buf/Kconfig it brings or removes
    Checkpatch: a type of message that it may give, and the reason; any number of lines

and what follows is the message of its patch. Each file that the graft writes or
removes belongs to one step, which is where it comes from. What a later step adds to it is in
that step's file with .patch behind its name. The only two that do not are those in which all steps
meet, Makefile and Kconfig of drivers/dma-buf. They are the base's at first, the
series' in the end, and between are made of both, by what there is to be built.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HARNESS = Path(__file__).resolve().parent
TOP = HARNESS.parent
MAKEFILE = "drivers/dma-buf/Makefile"
KCONFIG = "drivers/dma-buf/Kconfig"
MEETING = (MAKEFILE, KCONFIG)


class Wrong(Exception):
    """The steps don't add up."""


def path_from(script):
    """What harness/base or harness/tree prints, after it has got or made that."""
    done = subprocess.run([HARNESS / script], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)
    return Path(done.stdout.strip())


def matches(name, glob):
    if glob.endswith("/"):
        return name.startswith(glob)
    return re.fullmatch(re.escape(glob).replace(r"\*", "[^/]*"), name) is not None


def without(patch, name, content):
    """What a file was before the patch, which may be about others as well."""
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "file"
        path.write_bytes(content)
        parts = re.split(r"^(?=--- a/)", patch.read_text(), flags=re.M)
        part = next(part for part in parts if part.startswith(f"--- a/{name}\n"))
        done = subprocess.run(["patch", "--reverse", "--batch", "--reject-file=-",
                               "--no-backup-if-mismatch", path], input=part, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise Wrong(f"{patch.name} is not in {name}:\n{done.stdout}")
        return path.read_bytes()


class Step:
    """One patch: its message, and what it is about."""

    def __init__(self, path):
        head, _, self.message = path.read_text().partition("\n\n")
        lines = re.findall(r"^(\w+): ((?:.|\n )*)$", head, re.M)
        fields = {key: value for key, value in lines if key != "Checkpatch"}
        self.name = path.name
        self.patch = path.with_name(path.name + ".patch")
        self.patched = set()
        if self.patch.is_file():
            self.patched = set(re.findall(r"^\+\+\+ b/(\S+)", self.patch.read_text(), re.M))
        self.subject = self.message.partition("\n")[0]
        # type -> reason
        self.ignored = dict(value.split(" ", 1) for key, value in lines if key == "Checkpatch")
        self.globs = fields.pop("Files").split()
        self.options = set(fields.pop("Options", "").split())
        self.files = set()
        if fields:
            raise Wrong(f"{path.name}: no step has {', '.join(fields)}")

    def claims(self, name):
        return any(matches(name, glob) for glob in self.globs)


def read_steps(manifest):
    """All steps in order; manifest has the files that the graft wrote or removed."""
    steps = [Step(path) for path in sorted((TOP / "patches/series").glob("[0-9]*"))
             if not path.name.startswith("00") and path.suffix != ".patch"]
    for name in set(manifest) - set(MEETING):
        owners = [step for step in steps if step.claims(name)]
        if len(owners) != 1:
            raise Wrong(f"{name} belongs to {[step.name for step in owners] or 'no step'}")
        owners[0].files.add(name)
    for step in steps:
        unused = [glob for glob in step.globs
                  if not any(matches(name, glob) for name in step.files)]
        if unused:
            raise Wrong(f"{step.name} claims what is not there: {' '.join(unused)}")
    return steps


def statements(text):
    """Lines of a makefile, those that end in a backslash with the next; with comments."""
    return re.findall(r"(?:.*\\\n)*.*\n", text)


class Makefiles:
    """What of two makefiles is built, by who has the source."""

    OBJECT = re.compile(r"(?<![\w$(/-])(?:[\w-]+\.o|[\w/-]+/)(?=\s|$)")

    def __init__(self, base, series):
        self.base, self.series = statements(base), statements(series)

    def sources(self, token):
        directory = MAKEFILE.rpartition("/")[0]
        if token.endswith("/"):
            return f"{directory}/{token}Makefile"
        return f"{directory}/{token[:-2]}.c"

    def pick(self, lines, present):
        """Statements without the objects that cannot be built."""
        assigned, picked = set(), []
        for line in lines:
            objects = self.OBJECT.findall(line)
            gone = [token for token in objects if self.sources(token) not in present
                    and token[:-2] not in assigned]
            for token in gone:
                line = re.sub(rf"(?<![\w$(/-])[ \t]*{re.escape(token)}(?=\s|$)", "", line)
            uses = re.search(r"\$\((\w+)-y\)", line)
            if len(gone) == len(objects) and objects or uses and uses[1] not in assigned:
                line = ""
            target = re.match(r"([\w-]+?)-(?:y|objs|\$\(\w+\))\s*[:+]?=", line)
            if target and target[1] != "obj":
                assigned.add(target[1])
            picked.append(line)
        return picked

    def composites_first(self, lines):
        """A base's makefile names a composite object before its parts: look ahead."""
        return sorted(lines, key=lambda line: bool(re.match(r"obj-", line)))

    def text(self, ours, bases):
        """The makefile for a tree where these names are the series', those the base's."""
        head = self.squeeze("".join(self.pick(self.series, ours)))
        rest = [line for line in self.pick(self.composites_first(self.base), bases)
                if self.OBJECT.search(line)]
        rest = [re.sub(r"^(obj-\S+\s*):=", r"\1+=", line) for line in rest]
        return head + "".join(["\n# Not yet replaced\n", *rest] if rest else [])

    @staticmethod
    def squeeze(text):
        """No comment without lines below it, and one empty line at a time."""
        text = re.sub(r"^# (?!SPDX).*\n(?=\n|\Z)", "", text, flags=re.M)
        return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"


class Kconfigs:
    """Two Kconfig files in one menu, by option."""

    def __init__(self, base, series):
        self.head, self.series = self.entries(series)
        _, self.base = self.entries(base)

    @staticmethod
    def entries(text):
        """What is before the first entry, and the entries, by what they begin with."""
        parts = re.split(r"^(?=(?:menu)?config |source )", text, flags=re.M)
        entries = {re.match(r"(?:\w+) (\S+)", part)[1]: part.replace("\nendmenu", "")
                   for part in parts[1:]}
        return parts[0], entries

    def text(self, done, all_options):
        unknown = (set(self.base) | set(self.series)) ^ all_options
        if unknown:
            raise Wrong(f"options of no step, or of none: {' '.join(sorted(unknown))}")
        chosen = {}
        for option in [*self.series, *self.base]:
            source = self.series if option in done else self.base
            if option in source:
                chosen[option] = source[option].rstrip("\n") + "\n"
        return self.head + "\n".join(chosen.values()) + "\nendmenu\n"


class Series:
    """Base, grafted tree, and the steps between them."""

    def __init__(self, base, grafted):
        self.base, self.grafted = base, grafted
        manifest = json.loads((grafted / ".dma-buf-series/manifest.json").read_text())
        self.names = set(manifest)
        self.steps = read_steps(manifest)
        self.makefiles = Makefiles(*self.both(MAKEFILE))
        self.kconfigs = Kconfigs(*self.both(KCONFIG))

    def both(self, name):
        return (self.base / name).read_text(), (self.grafted / name).read_text()

    def meeting(self, count):
        """Makefile and Kconfig after so many steps."""
        done = self.steps[:count]
        touched = set().union(*(step.files for step in done))
        ours = {name for name in touched if (self.grafted / name).is_file()}
        later = set().union(*(step.files for step in self.steps[count:]))
        bases = {name for name in later if (self.base / name).is_file()
                 and name.startswith("drivers/dma-buf/")}
        options = set().union(*(step.options for step in done))
        every = set().union(*(step.options for step in self.steps))
        return {MAKEFILE: self.makefiles.text(ours, bases),
                KCONFIG: self.kconfigs.text(options, every)}

    def content(self, name, count):
        """A file of a step as it is after so many steps, None if it is removed."""
        path = self.grafted / name
        if not path.is_file():
            return None
        content = path.read_bytes()
        for step in reversed(self.steps[count:]):
            if name in step.patched:
                content = without(step.patch, name, content)
        return content

    def changes(self, count):
        """What the step of that number, from 1, writes (bytes) or removes (None)."""
        step = self.steps[count - 1]
        change = {name: self.content(name, count) for name in step.files | step.patched}
        before = self.meeting(count - 1) if count > 1 else {
            name: self.both(name)[0] for name in MEETING}
        for name, text in self.meeting(count).items():
            if text != before[name]:
                change[name] = text.encode()
        return change
