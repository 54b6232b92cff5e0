#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Uses the console in a real Chromium, as its user would, and checks what the page shows and what is stored.

    console.py [--proxy CONTROL-SOCKET] [--axe FILE] [--pictures DIRECTORY] SCENARIO …

The scenarios are the functions below whose names begin with "scenario_".  WORLD_URL is the public address,
WORLD_OPERATOR_URL that of the console; WORLD_TOKEN the token.  --proxy is needed for an unknown outcome (see
pg_proxy.py), --axe (axe.min.js of axe-core) for the accessibility rules.

Needs Selenium, and Debian's chromium and chromium-driver.
"""
import argparse
import contextlib
import json
import os
import socket
import sys
import time

from selenium.webdriver.common.keys import Keys

from console_page import API, MARKUP, TOKEN, Page, Store, fill
from http_cases import WS


def equal(have, want):
    assert have == want, f"have {have!r}, want {want!r}"


def scenario_sign_in(page, _):
    page.visit()
    equal(page.at("base").get_property("value"), API)
    page.sign_in("no.valid.token")
    page.complains("The token was refused")
    assert page.at("sign-in").is_displayed() and not page.at("store").is_displayed()
    page.sign_in()
    page.says("Signed in")
    equal(page.at("token").get_property("value"), "")
    stored = page.driver.execute_script("return [sessionStorage.token, localStorage.length, document.cookie]")
    equal(stored, [TOKEN, 0, ""])
    # Another tab knows nothing of it; the same tab does after it has been loaded again.
    page.driver.refresh()
    page.wait("not signed in after the page was loaded again", lambda: page.at("store").is_displayed())
    page.driver.switch_to.new_window("tab")
    page.visit()
    assert page.at("sign-in").is_displayed() and not page.driver.execute_script("return sessionStorage.length")
    page.driver.close()
    page.driver.switch_to.window(page.driver.window_handles[0])
    page.press("sign-out")
    page.says("Signed out")
    equal(page.driver.execute_script("return sessionStorage.length"), 0)


def scenario_policy(page, _):
    """No other address is called, whatever is typed, and no script of the page's own text runs."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(2)
        page.visit()
        page.type("base", f"http://127.0.0.1:{other.getsockname()[1]}")
        page.type("token", TOKEN)
        page.type("workspace", WS)
        page.at("workspace").submit()
        page.complains("cannot be reached")
        with contextlib.suppress(TimeoutError):
            other.accept()
            raise AssertionError("the token went to another address")
    said = [entry["message"] for entry in page.driver.get_log("browser")]
    assert any("Content Security Policy" in message for message in said), said


def scenario_pages(page, store):
    keys = sorted(f"key-{i:05}" for i in range(10000))
    fill("many", keys)
    page.begin("many")
    page.says("500 keys, and there are more.")
    while page.at("more").is_displayed():
        before = len(page.keys())
        page.press("more")
        page.wait("no further page", lambda: len(page.keys()) > before)
    page.says("10,000 keys.")
    equal(page.keys(), keys)
    page.show("many", "key-099")
    page.says("100 keys.")
    equal(page.keys(), keys[9900:])
    # A new key is put where it belongs.
    page.press("new")
    page.type("create-key", "key-09950a")
    page.at("create-key").send_keys(Keys.ENTER)
    page.says("Not stored yet")
    page.write("[1, 2]")
    page.press("save")
    page.says("Saved 6 bytes")
    equal(page.keys(), sorted([*keys[9900:], "key-09950a"]))
    equal(store.get("many", "key-09950a"), b"[1, 2]")


# Answers to requests whose address holds the text come only when the page is told to let them go.
HOLD = """const real = window.fetch, text = arguments[0];
window.held = [];
window.fetch = async (...all) => {
    const answer = await real(...all);
    if (String(all[0]).includes(text))
        await new Promise((go) => window.held.push(go));
    return answer;
};
window.letGo = () => { window.fetch = real; window.held.forEach((go) => go()); };"""


def hold(page, text, script, answers):
    """Does this while such answers are held; goes on when so many of them have come."""
    page.driver.execute_script(HOLD, text)
    page.driver.execute_script(script)
    page.wait("nothing is held", lambda: page.driver.execute_script("return window.held.length") == answers)


def scenario_overtaken(page, store):
    """An answer that comes when something else was asked for meanwhile, and a button that is pressed twice."""
    keys = sorted(f"key-{i:03}" for i in range(700))
    fill("long", keys)
    store.put("short", "k", b"first")
    page.begin("long")
    page.says("500 keys, and there are more.")
    hold(page, "cursor=", 'const more = document.getElementById("more"); more.click(); more.click()', 2)
    page.driver.execute_script("window.letGo()")
    page.says("700 keys.")
    equal(page.keys(), keys)
    page.show("long", "")
    page.says("500 keys, and there are more.")
    hold(page, "cursor=", 'document.getElementById("more").click()', 1)
    page.show("short")
    page.says("1 key.")
    page.driver.execute_async_script("window.letGo(); setTimeout(arguments[0], 0)")
    equal(page.keys(), ["k"])
    page.open("k")
    page.write("mine")
    hold(page, "/short/k", 'const save = document.getElementById("save"); save.click(); save.click()', 1)
    page.driver.execute_script("window.letGo()")
    page.says("Saved 4 bytes")
    equal([page.at("conflict").is_displayed(), store.get("short", "k")], [False, b"mine"])


def scenario_forms(page, store):
    values = {
        "json": b'{"a":[1,2],"text":"x y","big":1.5}', "big": b'{"n":12345678901234567890}',
        "text": "h\u00e9llo\nworld".encode(), "bytes": bytes(range(256)), "empty": b"", "lines": b"a\r\nb",
    }
    for key, value in values.items():
        store.put("forms", key, value)
    page.begin("forms")
    # They are asked for behind "Signed in", and may come after the list of keys.
    page.wait("the namespace is not offered", lambda: page.driver.execute_script(
        'return [...document.querySelectorAll("#namespaces option")].map((o) => o.value)') == ["forms"])
    equal(page.driver.execute_script('return [...document.querySelectorAll("#keys tr")].map((r) => [r.cells[1].textContent, r.cells[2].textContent])'),
          [[str(len(values[key])), "just now"] for key in sorted(values)])
    page.open("json")
    equal(json.loads(page.content()), json.loads(values["json"]))
    assert page.content().count("\n") > 3
    for form in ("hex", "text", "json"):
        page.form(form)
    # What is changed in one form is there in another, and compact JSON stays so.
    page.write(page.content().replace("x y", "z  z"))
    page.form("text")
    equal(page.content(), '{"a":[1,2],"text":"z  z","big":1.5}')
    page.press("save")
    page.says("Saved")
    equal(store.get("forms", "json"), b'{"a":[1,2],"text":"z  z","big":1.5}')
    page.open("big")
    equal(page.content(), '{"n":12345678901234567890}')
    page.open("text")
    equal(page.content(), "h\u00e9llo\nworld")
    page.open("lines")
    equal(page.content(), "61 0d 0a 62")
    page.open("empty")
    equal(page.content(), "")
    page.open("bytes")
    equal(bytes.fromhex(page.content()), values["bytes"])
    page.press("download")
    file = os.path.join(page.downloads, "bytes")
    page.wait("nothing was downloaded", lambda: os.path.exists(file))
    equal(open(file, "rb").read(), values["bytes"])
    page.write("0")
    page.press("save")
    page.complains("two digits")
    page.write("00 01")
    page.press("save")
    page.says("Saved 2 bytes")
    equal(store.get("forms", "bytes"), b"\0\1")
    for key, value in values.items():
        if key not in ("json", "bytes"):
            equal(store.get("forms", key), value)


def save_into_conflict(page, what_is_wrong):
    page.press("save")
    page.wait(what_is_wrong, lambda: page.at("conflict").is_displayed())


def scenario_conflict(page, store):
    store.put("clash", "k", b"first")
    page.begin("clash")
    page.open("k")
    store.put("clash", "k", b"theirs")
    page.write("mine")
    save_into_conflict(page, "no conflict is shown")
    equal([page.at(name).get_property("value") for name in ("theirs", "ours")], ["theirs", "mine"])
    equal(store.get("clash", "k"), b"theirs")
    page.at("theirs").send_keys(Keys.ESCAPE)
    page.says("still in the editor")
    equal(page.content(), "mine")
    # Another change meanwhile is another conflict; then ours is stored.
    store.put("clash", "k", b"theirs again")
    save_into_conflict(page, "no second conflict")
    equal(page.at("theirs").get_property("value"), "theirs again")
    page.press("take-mine")
    page.says("Saved 4 bytes")
    equal(store.get("clash", "k"), b"mine")
    # Theirs is taken.
    store.put("clash", "k", b"new")
    page.write("old")
    save_into_conflict(page, "no third conflict")
    page.press("take-theirs")
    page.says("This is what is stored")
    equal(page.content(), "new")
    # Somebody deletes it; ours is stored as a new key.
    equal(store.ask("DELETE", "clash", "k")[0], 204)
    page.write("once more")
    save_into_conflict(page, "no fourth conflict")
    page.press("take-mine")
    page.says("Saved 9 bytes")
    equal(store.get("clash", "k"), b"once more")
    # A key that is said to be new, and is not.
    store.put("clash", "taken", b"theirs")
    page.press("new")
    page.type("create-key", "taken")
    page.at("create-key").send_keys(Keys.ENTER)
    page.says("Not stored yet")
    page.write("mine")
    save_into_conflict(page, "no conflict of a new key")
    page.press("take-theirs")
    page.says("This is what is stored")
    equal(store.get("clash", "taken"), b"theirs")


def scenario_delete(page, store):
    store.put("gone", "a", b"1")
    store.put("gone", "b", b"2")
    page.begin("gone")
    page.open("a")
    page.press("remove")
    page.press("question-no")
    equal(store.get("gone", "a"), b"1")
    store.put("gone", "a", b"changed")
    page.press("remove")
    page.press("question-yes")
    page.complains("Nothing was deleted")
    equal(store.get("gone", "a"), b"changed")
    page.press("reload")
    page.says("Read 7 bytes")
    page.press("remove")
    page.press("question-yes")
    page.says("Deleted")
    equal([store.get("gone", "a"), page.keys()], [None, ["b"]])
    # Changes are not lost unasked.
    page.open("b")
    page.write("changed")
    page.press("close")
    page.wait("no question", lambda: page.at("question").is_displayed())
    page.press("question-no")
    equal(page.content(), "changed")


def order(path, **order):
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(path)
        control.sendall(json.dumps(order).encode() + b"\n")
        return control.makefile().readline()


def scenario_unknown(page, store, proxy):
    """The database's connection breaks under a write, before it and after it."""
    def loses(statement, action, name):
        order(proxy, arm={"statement": statement, "key": "k", "do": action})
        page.press(name)

    store.put("doubt", "k", b"before")
    page.begin("doubt")
    page.open("k")
    page.write("mine")
    loses("put_if_match", "cut_after_sync", "save")
    page.complains("may or may not have been made")
    equal(page.content(), "mine")
    page.press("reload")
    page.says("What is stored is what you saved")
    equal(store.get("doubt", "k"), b"mine")
    page.write("second")
    loses("put_if_match", "blackhole", "save")
    page.complains("may or may not have been made")
    page.press("reload")
    page.says("It was not saved")
    equal([page.content(), store.get("doubt", "k")], ["second", b"mine"])
    loses("put_if_match", "blackhole", "save")
    page.complains("may or may not have been made")
    store.put("doubt", "k", b"another's")
    page.press("reload")
    page.wait("the other's value is not shown", lambda: page.at("conflict").is_displayed())
    equal([page.at(name).get_property("value") for name in ("theirs", "ours")], ["another's", "second"])
    page.press("take-theirs")
    page.says("This is what is stored")
    loses("delete_if_match", "cut_after_sync", "remove")
    page.press("question-yes")
    page.complains("may or may not have been made")
    page.press("reload")
    page.says("not there any more")
    equal([store.get("doubt", "k"), page.keys()], [None, []])


def scenario_markup(page, store):
    """Keys, values and names that are markup are shown as text; nothing in them runs."""
    keys = [MARKUP, "javascript:alert(1)", "\u202egnp.exe", " ", "a/../b", "%2e%2e", "&lt;b&gt;", "{{1}}"]
    for key in keys:
        store.put("%3Cb%3E", key, MARKUP.encode())
    page.begin("<b>")
    shown = page.keys()
    assert MARKUP in shown and "\\u{202e}gnp.exe" in shown and "\\u{20}" in shown, shown
    for key in shown:
        page.open(key)
        equal([page.at("value-title").text, page.content()], [key, MARKUP])
    page.write(MARKUP + MARKUP)
    page.press("save")
    page.says("Saved")
    page.press("remove")
    page.wait("no question", lambda: page.at("question").is_displayed())
    page.press("question-no")
    equal(page.driver.title, "Hulykvs console")
    equal(page.driver.execute_script("return document.querySelectorAll('img, main script').length"), 0)
    for dots in (".", ".."):
        page.press("new")
        page.type("create-key", dots)
        page.at("create-key").send_keys(Keys.ENTER)
        page.says("Not stored yet")
        page.write("x")
        page.press("save")
        page.complains("A browser cannot ask for the name")
        page.press("close")
        page.press("question-yes")


def scenario_keyboard(page, store):
    for key in "abc":
        store.put("typed", key, key.encode())
    page.visit()
    active = lambda: page.driver.switch_to.active_element
    equal(active().get_attribute("id"), "token")
    active().send_keys(TOKEN + Keys.TAB)
    active().send_keys(WS + Keys.ENTER)
    page.says("Signed in")
    active().send_keys("typed" + Keys.ENTER)
    page.says("3 keys.")
    for _ in range(20):
        if active().text == "a":
            break
        active().send_keys(Keys.TAB)
    for key, text in ((Keys.ARROW_DOWN, "b"), (Keys.END, "c"), (Keys.HOME, "a"), (Keys.ARROW_DOWN, "b")):
        active().send_keys(key)
        equal(active().text, text)
    active().send_keys(Keys.ENTER)
    page.says("Read 1 bytes")
    equal(active().get_attribute("id"), "content")
    active().send_keys("!" + Keys.TAB)
    active().send_keys(Keys.ENTER)
    page.says("Saved 2 bytes")
    assert store.get("typed", "b") in (b"b!", b"!b")


def scenario_expired(page, store):
    """What is being edited survives a token that is refused."""
    store.put("late", "k", b"old")
    page.begin("late")
    page.open("k")
    page.write("edited")
    page.driver.execute_script('sessionStorage.setItem("token", "no.valid.token")')
    page.press("save")
    page.complains("Sign in with a new one")
    page.type("token", TOKEN)
    page.at("workspace").submit()
    page.says("Signed in")
    equal(page.content(), "edited")
    page.press("save")
    page.says("Saved 6 bytes")
    equal(store.get("late", "k"), b"edited")


def violations(page, axe):
    page.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": axe})
    found = page.driver.execute_async_script(
        "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then((r) => done(r.violations))")
    return [(one["id"], one["help"], [node["html"][:100] for node in one["nodes"]]) for one in found]


def sample(store):
    samples = {"calendar-watch:alice@example.com": {"channel": "c-81", "expires": "2026-12-24T18:00:00Z", "calendars": ["work", "home"]},
               "calendar-watch:bob@example.com": {"channel": "c-82", "expires": "2026-12-23T07:30:00Z"},
               "mail-thread-lookup:7f3a": "THR-17", "mail-thread-lookup:90bc": "THR-18", "telegram:session": "AQIDBA=="}
    for key, value in samples.items():
        store.put("sample", key, json.dumps(value).encode())


def every_view(page, store):
    """Yields the name of each view of the page in turn."""
    sample(store)
    page.visit()
    yield "sign-in"
    page.sign_in()
    page.says("Signed in")
    page.show("sample")
    page.open("calendar-watch:alice@example.com")
    yield "value"
    store.put("sample", "calendar-watch:alice@example.com", b'{"channel":"c-99"}')
    page.write('{"channel":"c-83"}')
    save_into_conflict(page, "no conflict")
    yield "conflict"
    page.press("take-theirs")
    page.says("This is what is stored")
    page.press("remove")
    page.wait("no question", lambda: page.at("question").is_displayed())
    yield "question"
    page.press("question-no")
    page.press("new")
    page.wait("no dialog", lambda: page.at("create").is_displayed())
    yield "create"
    page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.driver.execute_script('sessionStorage.setItem("token", "x")')
    page.at("prefix").send_keys(Keys.ENTER)
    page.complains("refused")
    yield "refused"


def scenario_axe(page, store, axe):
    with open(axe) as f:
        script = f.read()
    for dark, width in ((False, 1100), (True, 1100), (False, 360), (True, 360)):
        with contextlib.closing(Page(dark, width)) as page:
            for view in every_view(page, store):
                found = violations(page, script)
                assert not found, (view, dark, width, found)
                wide = page.driver.execute_script("return document.documentElement.scrollWidth")
                assert wide <= width, f"{view} is {wide} pixels wide on a screen of {width}"
            equal(page.faults(), [])


def scenario_pictures(page, store, directory):
    os.makedirs(directory, exist_ok=True)
    for dark, width, height, views in ((False, 1000, 860, ("value",)), (True, 1000, 860, ("conflict",)), (False, 360, 760, ("value",))):
        with contextlib.closing(Page(dark, width, height)) as page:
            for view in every_view(page, store):
                if view in views:
                    name = f"console-{view}-{'dark' if dark else 'light'}-{width}.png"
                    page.driver.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
                    page.driver.save_screenshot(os.path.join(directory, name))


def main():
    scenarios = {name[len("scenario_"):]: work for name, work in globals().items() if name.startswith("scenario_")}
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy")
    parser.add_argument("--axe")
    parser.add_argument("--pictures")
    parser.add_argument("scenario", nargs="+", choices=scenarios)
    options = parser.parse_args()
    more = {"unknown": [options.proxy], "axe": [options.axe], "pictures": [options.pictures]}
    for name in options.scenario:
        begun = time.monotonic()
        with contextlib.closing(Page()) as page:
            try:
                scenarios[name](page, Store(), *more.get(name, []))
                if name != "policy":
                    equal(page.faults(), [])
            except BaseException:
                print(f"the page said: {page.driver.execute_script('return document.body.innerText')!r}", file=sys.stderr)
                print(f"what the browser complains of: {page.driver.get_log('browser')}", file=sys.stderr)
                raise
        print(f"{name}: as it should be, {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    main()
