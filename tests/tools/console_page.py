# SPDX-License-Identifier: EPL-2.0
"""The console as a user does and sees it, in a real Chromium, and the public API beside it: see console.py."""
import http.client
import os
import tempfile
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from http_cases import WS

API, CONSOLE, TOKEN = (os.environ[name] for name in ("WORLD_URL", "WORLD_OPERATOR_URL", "WORLD_TOKEN"))
PATIENCE = 20  # seconds for what should happen at once
MARKUP = '<img src=x onerror="document.title=1"><script>document.title=1</script>'


class Store:
    """The public API, beside the browser."""

    def __init__(self):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(API).netloc)

    def ask(self, method, namespace, key, body=None):
        path = f"/api2/{WS}/{namespace}/{urllib.parse.quote(key, safe='')}"
        self.connection.request(method, path, body, {"Authorization": f"Bearer {TOKEN}"})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def put(self, namespace, key, value):
        status, text = self.ask("PUT", namespace, key, value)
        assert status in (201, 204), (status, text)

    def get(self, namespace, key):
        status, text = self.ask("GET", namespace, key)
        return text if status == 200 else None


def fill(namespace, keys):
    def some(part):
        store = Store()
        for key in part:
            store.put(namespace, key, b"{}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(some, [keys[i::4] for i in range(4)]))


class Page:
    """What a user does and sees."""

    def __init__(self, dark=False, width=1100, height=800):
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                         "--disable-background-networking", "--lang=en-GB", f"--window-size={width},{height}"):
            options.add_argument(argument)
        self.downloads = tempfile.mkdtemp(dir=os.environ.get("WORLD_DIR"))
        options.add_experimental_option("prefs", {"download.default_directory": self.downloads})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.binary_location = "/usr/bin/chromium"
        self.driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        self.resize(width, height)

    def resize(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def close(self):
        self.driver.quit()

    def at(self, name):
        return self.driver.find_element(By.ID, name)

    def wait(self, what, condition):
        WebDriverWait(self.driver, PATIENCE, 0.05).until(
            lambda _: condition(), f"{what}; the page says: {self.said()!r}, {self.problem()!r}")

    def said(self):
        return self.at("status").text

    def problem(self):
        return self.at("problem").text

    def says(self, text):
        self.wait(f"it does not say {text!r}", lambda: text in self.said())

    def complains(self, text):
        self.wait(f"it does not complain {text!r}", lambda: text in self.problem())

    def click(self, element):
        """The driver does not scroll to what it takes for visible, though the messages may cover it."""
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def press(self, name):
        self.click(self.at(name))

    def form(self, name):
        self.click(self.driver.find_element(By.CSS_SELECTOR, f'input[value="{name}"]'))

    def type(self, name, text):
        self.at(name).clear()
        self.at(name).send_keys(text)

    def content(self):
        return self.at("content").get_property("value")

    def write(self, text):
        """As a user would who pastes."""
        self.at("content").clear()
        self.at("content").send_keys(text)

    def keys(self):
        return self.driver.execute_script(
            'return [...document.querySelectorAll("#keys button")].map((b) => b.textContent)')

    def row(self, key):
        return next(b for b in self.driver.find_elements(By.CSS_SELECTOR, "#keys button") if b.text == key)

    def visit(self):
        self.driver.get(f"{CONSOLE}/console/")
        self.wait("the page is not ready",
                  lambda: self.driver.execute_script("return document.documentElement.dataset.ready") == "yes")

    def sign_in(self, token=TOKEN):
        self.visit()
        self.type("token", token)
        self.type("workspace", WS)
        self.at("workspace").submit()

    def show(self, namespace, prefix=""):
        self.type("namespace", namespace)
        self.type("prefix", prefix)
        self.at("prefix").send_keys(Keys.ENTER)
        self.wait("there is no list", lambda: "Reading" not in self.said() and self.at("list").is_displayed())

    def open(self, key):
        self.click(self.row(key))
        self.wait(f"{key} is not open", lambda: self.at("value").is_displayed() and self.at("value-title").text == key)

    def begin(self, namespace):
        self.sign_in()
        self.says("Signed in")
        self.show(namespace)

    def faults(self):
        """What the browser itself complains of (a violated policy, an error of a script), but for answers of 4xx and 5xx."""
        return [entry for entry in self.driver.get_log("browser")
                if entry["level"] == "SEVERE" and "Failed to load resource" not in entry["message"]]
