"""Fills a workbook in as a person does at LibreOffice's keyboard; runs in the Python that LibreOffice speaks to.

Usage: filling.py PIPE SOURCE DONE FILTER ENTRIES, where ENTRIES is JSON of cell → what is typed there.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import uno

PATIENCE = 60  # seconds until LibreOffice is up


def value(name: str, content: object) -> Any:
    made = uno.createUnoStruct("com.sun.star.beans.PropertyValue")
    made.Name, made.Value = name, content
    return made


def connect(pipe: str) -> Any:
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except Exception:  # one of LibreOffice's own, made at run time
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def main() -> None:
    pipe, source, done, format_, entries = sys.argv[1:]
    office = connect(pipe)
    desktop = office.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", office)
    dispatcher = office.ServiceManager.createInstanceWithContext("com.sun.star.frame.DispatchHelper", office)
    try:
        book = desktop.loadComponentFromURL(Path(source).as_uri(), "_blank", 0, ())
        frame = book.CurrentController.Frame
        for cell, text in json.loads(entries).items():
            dispatcher.executeDispatch(frame, ".uno:GoToCell", "", 0, (value("ToPoint", cell),))
            dispatcher.executeDispatch(frame, ".uno:EnterString", "", 0, (value("StringName", text),))
        book.storeToURL(Path(done).as_uri(), (value("FilterName", format_),))
        book.close(True)  # noqa: FBT003 - LibreOffice's own signature
    finally:
        desktop.terminate()


if __name__ == "__main__":
    main()
