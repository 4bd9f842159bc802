"""Breaks one step of the protocol at a time, in a copy of the program, and tells which tests notice.

    python tests/breaking.py                          every breakage: about ten minutes
    python tests/breaking.py --only "new key"         those whose name holds these words
    python tests/breaking.py --write docs/breaking.md the same, and writes the table

It exits with 1 if a breakage goes unnoticed, if the code that it breaks is not there any more, or if the tests fail
before anything is broken.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
TESTS = ("tests/test_never_twice.py", "tests/test_sending.py", "tests/test_throttle.py", "tests/test_managed.py")
PATIENCE = 180  # seconds: a broken program may try for ever
SHOWN = 3  # tests named in a line of the table


@dataclass(frozen=True)
class Breakage:
    """One step done wrong.

    Attributes:
        name: What is wrong.
        file: Of the program.
        right: What stands there.
        wrong: What stands there instead.
    """

    name: str
    file: str
    right: str
    wrong: str


BREAKAGES = (
    Breakage(
        "a case is sent before the journal knows",
        "importer/submit/step.py",
        """        number = await self._left("post", sending.pk, now, changes)
        while self._clock() - now > sending.patience.timeout:
            # The journal took so long that who finds this row after a crash would think the request over too early.
            now = self._clock()
            await self._commits.make(
                partial(self._journal.update, pk=sending.pk, parts=sending.parts, attempted_at=now)
            )
        left_at, shown = self._depart(), self._shown
        reply = await self._client.post(self._endpoint, sending.case.body, sending.case.key)
""",
        """        left_at, shown = self._depart(), self._shown
        reply = await self._client.post(self._endpoint, sending.case.body, sending.case.key)
        number = await self._left("post", sending.pk, now, changes)
""",
    ),
    Breakage(
        "a lost answer is followed by another attempt, and nobody asks",
        "importer/submit/sending.py",
        "return not self.cleared and (self.doubts > 0 or self.answered is not None)",
        "return self.answered is not None",
    ),
    Breakage(
        "what was `sending` is forgotten at the restart",
        "importer/submit/sending.py",
        'if entry.status == "sending":',
        'if entry.status == "never":',
    ),
    Breakage(
        "each try has a new key",
        "importer/submit/step.py",
        "sending.case.body, sending.case.key)",
        'sending.case.body, f"{sending.case.key}-{sending.attempts}")',
    ),
    Breakage(
        "a 404 is believed at once",
        "importer/submit/sending.py",
        "if self.doubts and min(now, self.asked_at) < settled_at:",
        "if self.doubts and now < 0:",
    ),
    Breakage(
        "a refusal settles the attempts before it",
        "importer/submit/sending.py",
        "case Refused() if not self.doubts:",
        "case Refused():",
    ),
    Breakage(
        "the lock keeps nobody out",
        "importer/journal/__init__.py",
        "with right_to_send(self._engine, self._folder, accounts, wait=wait) as held:",
        "with right_to_send(self._engine, self._folder, [str(time.time_ns())], wait=wait) as held:",
    ),
    Breakage(
        "a new row does not wait for one in doubt under the same reference",
        "importer/plan.py",
        'unsettled := _latest(entries, "sending")',
        'unsettled := _latest(entries, "never")',
    ),
    Breakage(
        "the key does not change after a definite refusal",
        "importer/plan.py",
        "n = max(refusals) + 1 if refusals else 0",
        "n = 0",
    ),
    Breakage(
        "our clock is taken for the API's",
        "importer/submit/step.py",
        "sending.leave(now if self._api_time is None else self._api_time)",
        "sending.leave(now)",
    ),
    Breakage(
        "a test case is taken for ours",
        "importer/protocol/__init__.py",
        "if found.is_test != test:",
        "if found.is_test != found.is_test:",
    ),
    Breakage(
        "a case that was there before is taken for ours",
        "importer/protocol/__init__.py",
        "if found.created is None or found.created.timestamp() < since - CREATED_TOLERANCE:",
        "if found.created is None:",
    ),
    Breakage(
        "a case of another amount is taken for ours",
        "importer/protocol/__init__.py",
        "if found.amount != case.amount:",
        "if found.amount != found.amount:",
    ),
    Breakage(
        "a reference with a slash is looked up by its path",
        "importer/protocol/__init__.py",
        'return not any(sign in reference for sign in "/\\\\%") and reference not in {".", ".."}',
        "return bool(reference)",
    ),
    Breakage(
        "a row without a reference is sent again under another API key",
        "importer/submit/sending.py",
        "if spent or not (self.case.guarded or self.same_credential):",
        "if spent:",
    ),
    Breakage(
        "a duplicate whose case cannot be found is sent again",
        "importer/plan.py",
        "if taken and not taken.case_id else",
        "if taken and taken.case_id == taken else",
    ),
    Breakage(
        "other content under the same reference is another case",
        "importer/plan.py",
        "fate, entry = judge_past(entries)",
        "fate, entry = judge_past([entry for entry in entries if not differing(case, entry)])",
    ),
    Breakage(
        "another account's key may resume a run",
        "importer/pipeline/account.py",
        "if of_run and account.id != of_run:",
        "if of_run and account.id == of_run and wait is None:",
    ),
    Breakage(
        "a rebuilding of the journal adds nothing",
        "importer/pipeline/rebuild.py",
        "elif not known and status is None:",
        "elif known and status is None:",
    ),
    Breakage(
        "a rebuilding brings a bundle's first invoice back alone",
        "importer/pipeline/rebuild.py",
        "for one in (invoices or ())[1:] if",
        "for one in () if",
    ),
    Breakage(
        "a rebuilding says nothing of invoices that it cannot read",
        "importer/pipeline/rebuild.py",
        "self.incomplete.append(reference.strip() or case.reference)",
        "pass",
    ),
    Breakage(
        "a list is as old as its last page",
        "importer/submit/sending.py",
        "if self.doubts and min(now, self.asked_at) < settled_at:",
        "if self.doubts and now < settled_at:",
    ),
    Breakage(
        "a managed case of another creditor is taken for ours",
        "importer/protocol/__init__.py",
        "may_be(case.creditor, found.creditor)",
        "may_be(found.creditor, found.creditor)",
    ),
    Breakage(
        "a managed case of another reference is taken for ours",
        "importer/protocol/__init__.py",
        'if (found.creditor_reference or "") != (case.reference if case.has_reference else ""):',
        'if case.guarded and found.creditor_reference != (case.reference if case.has_reference else ""):',
    ),
    Breakage(
        "the creditor of a managed case is no part of its identity",
        "schemas/managed.py",
        'return iter(_creditors(values).fillna("").tolist())',
        'return iter([""] * len(values))',
    ),
    Breakage(
        "a managed case that stays lost is sent on and on",
        "importer/submit/sending.py",
        "return self.attempts >= ATTEMPTS_UNPROTECTED and self.tries > 0",
        "return self.tries >= ATTEMPTS",
    ),
    Breakage(
        "a managed case that another row owns is taken for ours",
        "importer/submit/sending.py",
        "if self._matches(case) and case.id not in owned:",
        "if self._matches(case):",
    ),
    Breakage(
        "a run of managed cases is resumed at the API of another target",
        "importer/cli/running.py",
        "settings = replace(settings, target=submitting.target_of(run, settings))",
        "settings = replace(settings)",
    ),
    Breakage(
        "the minute has no limit",
        "importer/throttle.py",
        "if len(left) >= rate.minute:",
        "if len(left) < 0:",
    ),
)


WHOLE = Breakage("nothing", "importer/__init__.py", "", "")


def notice(breakage: Breakage) -> list[str] | None:
    """Break a copy of the program; returns the tests that fail, or None where there is nothing to break any more."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "reports", "demo"))
        file = copy / breakage.file
        text = file.read_text(encoding="utf-8")
        if text.count(breakage.right) != 1 and breakage is not WHOLE:
            return None
        if breakage is not WHOLE:
            file.write_text(text.replace(breakage.right, breakage.wrong), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-v", "-n", "4", "--tb=no", "-p", "no:cacheprovider", *TESTS]
        # The copy comes before the program that is installed.
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        log = Path(folder) / "log"
        with log.open("w") as output, subprocess.Popen(command, cwd=copy, env=environment, stdout=output) as process:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
        begun = re.findall(r"^tests/\w+\.py::(.+?) *$", log.read_text(), re.MULTILINE)
        well = re.findall(r"(?:PASSED|SKIPPED) tests/\w+\.py::(.+?) *$", log.read_text(), re.MULTILINE)
        # A test that never ends has begun, and no result.
        return [name.partition("[")[0] for name in begun if name not in well]


def main() -> int:
    """Break what the command line asks for, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="breakages whose name holds these words")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--write", type=Path, help="the page whose table is to be written anew")
    chosen = parser.parse_args()
    if failing := notice(WHOLE):
        print(f"The tests fail though nothing is broken: {', '.join(failing)}.")
        return 1
    asked = [breakage for breakage in BREAKAGES if chosen.only in breakage.name]
    lines = ["| broken | noticed by |", "|---|---|"]
    unnoticed = 0
    with ThreadPoolExecutor(chosen.jobs) as pool:
        for breakage, tests in zip(asked, pool.map(notice, asked), strict=True):
            names = list(dict.fromkeys(tests or ()))
            unnoticed += not names
            told = ", ".join(f"`{name}`" for name in names[:SHOWN])
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            lines.append(
                f"| {breakage.name} | {'there is no such code' if tests is None else told + more or 'nothing'} |"
            )
            print(lines[-1], flush=True)
    if chosen.write:
        before, _, _ = chosen.write.read_text(encoding="utf-8").partition("| broken |")
        chosen.write.write_text(before + "\n".join(lines) + "\n", encoding="utf-8")
    return int(unnoticed > 0)


if __name__ == "__main__":
    sys.exit(main())
