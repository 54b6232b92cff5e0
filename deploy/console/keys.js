// SPDX-License-Identifier: EPL-2.0
// keys: the list of keys of one namespace, page by page.
import { askPage } from "./api.js";
import { visible } from "./forms.js";
import { $, act, say } from "./page.js";

export const list = { namespace: "", prefix: "", cursor: null };

// What to do with the key that was chosen; set by value.js.
let chosen = () => {};
export const onChosen = (work) => { chosen = work; };

function age(modified) {
	const seconds = Math.max(0, (Date.now() - Date.parse(modified)) / 1000);

	if (!modified || Number.isNaN(seconds))
		return "";
	for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]])
		if (seconds >= size) {
			const n = Math.floor(seconds / size);
			return `${n} ${unit}${n === 1 ? "" : "s"} ago`;
		}
	return "just now";
}

const buttons = () => [...$("keys").querySelectorAll("button")];

function row(entry) {
	const tr = document.createElement("tr");
	const [key, size, written] = [0, 1, 2].map(() => tr.insertCell());
	const button = document.createElement("button");

	button.type = "button";
	button.tabIndex = -1;
	button.textContent = visible(entry.key);
	button.addEventListener("click", act(() => chosen(entry.key)));
	key.append(button);
	size.className = "number";
	size.textContent = entry.size?.toLocaleString("en") ?? "";
	written.textContent = age(entry.modified);
	written.title = entry.modified || "";
	tr.dataset.key = entry.key;
	return tr;
}

// One key of the list can be reached by Tab, the others from there by the arrow keys.
function keepReachable() {
	const first = $("keys").querySelector("button");

	if (first && !$("keys").querySelector('button[tabindex="0"]'))
		first.tabIndex = 0;
}

function move(event) {
	const all = buttons();
	const at = all.indexOf(document.activeElement);
	const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];

	if (at < 0 || to === undefined || !all[to])
		return;
	event.preventDefault();
	all[at].tabIndex = -1;
	all[to].tabIndex = 0;
	all[to].focus();
}

function sayNumber() {
	const n = $("keys").rows.length;

	say(`${n.toLocaleString("en")} ${n === 1 ? "key" : "keys"}${list.cursor ? ", and there are more" : ""}.`);
}

// askLatest: a page of keys; null if another one was asked for meanwhile, which is the one to be shown.
let asked = 0;
async function askLatest(namespace, prefix, cursor) {
	const number = ++asked;

	try {
		const page = await askPage(namespace, prefix, cursor);
		return number === asked ? page : null;
	} catch (error) {
		if (number === asked || error.status === 401)
			throw error;
		return null;
	}
}

// showKeys: the first page, for the fields of the page.  False: it was not shown, since another was asked for.
export async function showKeys() {
	const [namespace, prefix] = [$("namespace").value, $("prefix").value];

	say("Reading keys …");
	const page = await askLatest(namespace, prefix, null);
	if (page === null)
		return false;
	Object.assign(list, { namespace, prefix, cursor: null });
	$("keys").replaceChildren();
	$("list").hidden = false;
	append(page);
	return true;
}

export async function showMore() {
	const before = $("keys").rows.length;
	const page = await askLatest(list.namespace, list.prefix, list.cursor);
	if (page === null)
		return;
	append(page);
	// The button that was pressed may be gone.
	if ($("more").hidden)
		buttons()[Math.min(before, $("keys").rows.length - 1)]?.focus();
}

function append(page) {
	$("keys").append(...page.entries.map(row));
	list.cursor = page.cursor;
	$("more").hidden = page.cursor === null;
	keepReachable();
	sayNumber();
}

// mark: shows which key is open; null: none.
export function mark(key) {
	$("keys").querySelector("[aria-current]")?.removeAttribute("aria-current");
	[...$("keys").rows].find((tr) => tr.dataset.key === key)?.setAttribute("aria-current", "true");
}

// Keys are in the order of their bytes in UTF-8, which for characters is that of their numbers.
function before(a, b) {
	const [x, y] = [Array.from(a, (c) => c.codePointAt(0)), Array.from(b, (c) => c.codePointAt(0))];

	for (let i = 0; i < x.length && i < y.length; i++)
		if (x[i] !== y[i])
			return x[i] < y[i];
	return x.length < y.length;
}

// put: the key was written; its row is made new, or added where the pages that are shown would have it.
export function put(key, size, modified) {
	const rows = [...$("keys").rows];
	const made = row({ key, size, modified: modified || undefined });
	const old = rows.find((tr) => tr.dataset.key === key);

	if (old) {
		old.replaceWith(made);
	} else if (!$("list").hidden && key.startsWith(list.prefix)) {
		const next = rows.find((tr) => before(key, tr.dataset.key));
		if (next || !list.cursor)
			$("keys").insertBefore(made, next || null);
	}
	keepReachable();
	mark(key);
}

// remove: the key is gone.
export function remove(key) {
	[...$("keys").rows].find((tr) => tr.dataset.key === key)?.remove();
	keepReachable();
}

$("keys").addEventListener("keydown", move);
