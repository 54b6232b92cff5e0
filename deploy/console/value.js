// SPDX-License-Identifier: EPL-2.0
// value: one value: shown, edited, stored, deleted.  Every change has a condition (If-Match or
// If-None-Match), so that nobody's change is overwritten unseen.
import { ask, keyPath } from "./api.js";
import { best, equal, parse, show, visible } from "./forms.js";
import * as keys from "./keys.js";
import { $, alone, choose, complain, on, question, say } from "./page.js";

// The value that is open.  stored: the bytes that were read; bytes: the same, with the edits of other forms.
// etag null: the key is not there.  unknown: what became of this change is not known, null if nothing.
const open = { key: null, etag: null, stored: null, bytes: null, form: "text", unknown: null };
const NOTHING = new Uint8Array();
const radios = [...document.querySelectorAll('input[name="form"]')];

// get: what is stored now, { etag, bytes, modified }; etag null: no such key.
async function get(key) {
	try {
		const answer = await ask("GET", keyPath(keys.list.namespace, key));
		return {
			etag: answer.headers.get("ETag"),
			bytes: new Uint8Array(await answer.arrayBuffer()),
			modified: answer.headers.get("Last-Modified"),
		};
	} catch (error) {
		if (error.status !== 404)
			throw error;
		return { etag: null, bytes: NOTHING, modified: null };
	}
}

function fact(name, value) {
	const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];

	dt.textContent = name;
	dd.textContent = value;
	return [dt, dd];
}

function setForm(form) {
	open.form = form;
	for (const radio of radios)
		radio.checked = radio.value === form;
	$("content").value = show(open.bytes, form);
}

// display: what is open now is this.
function display(key, { etag, bytes, modified }) {
	Object.assign(open, { key, etag, stored: bytes, bytes, unknown: null });
	$("facts").replaceChildren(...fact("Bytes", bytes.length.toLocaleString("en")),
		...(etag ? fact("ETag", etag) : []), ...(modified ? fact("Written", modified) : []));
	$("value").hidden = false;
	$("remove").disabled = etag === null;
	$("reload").disabled = etag === null;
	for (const radio of radios)
		radio.disabled = radio.value !== "hex" && bytes.length > 0 && show(bytes, radio.value) === null;
	setForm(bytes.length === 0 ? "text" : best(bytes));
	$("value-title").textContent = visible(key);
	keys.mark(key);
}

// edited: the bytes of what stands in the editor; unchanged text is the bytes that it was made of.
function edited() {
	const text = $("content").value;

	return text === show(open.bytes, open.form) ? open.bytes : parse(text, open.form, open.stored);
}

export function isChanged() {
	if (open.key === null)
		return false;
	try {
		return !equal(edited(), open.stored);
	} catch {
		return true;
	}
}

// mayLeave: nothing would be lost, or the user wants to lose it.
export async function mayLeave() {
	return !isChanged() || question("Lose your changes?", `Your changes of ${visible(open.key)} are not stored.`, "Lose them");
}

export function close() {
	Object.assign(open, { key: null, etag: null, stored: null, bytes: null, unknown: null });
	$("content").value = "";
	$("value").hidden = true;
	keys.mark(null);
}

async function read(key) {
	if (!await mayLeave())
		return;
	const now = await get(key);
	if (now.etag === null) {
		close();
		keys.remove(key);
		throw new Error("This key has been deleted meanwhile.");
	}
	display(key, now);
	$("content").focus();
	say(`Read ${now.bytes.length.toLocaleString("en")} bytes.`);
}

// create: a new key of the namespace that is shown.
export function create(key) {
	display(key, { etag: null, bytes: NOTHING, modified: null });
	$("content").focus();
	say("Not stored yet. “Save” stores it, unless the key is there already.");
}

const condition = () => open.etag === null ? { "If-None-Match": "*" } : { "If-Match": open.etag };

// change: makes a request that changes the key; false: somebody else has changed it before.
async function change(method, body) {
	const headers = { ...condition(), ...(body ? { "Content-Type": "application/octet-stream" } : {}) };

	try {
		await ask(method, keyPath(keys.list.namespace, open.key), { headers, body });
		return true;
	} catch (error) {
		if (error.status === 412 || (method === "DELETE" && error.status === 404))
			return false;
		if (error.unknown) {
			open.unknown = { method, bytes: body };
			$("reload").disabled = false;
			$("reload").focus();
		}
		throw error;
	}
}

// stored: what the editor shows is what is stored.
function stored(now, text) {
	display(open.key, now);
	keys.put(open.key, now.bytes.length, now.modified);
	say(text);
}

async function save() {
	const bytes = edited();

	if (!await change("PUT", bytes)) {
		await compare(await get(open.key), bytes, "Somebody else has changed this key", "Nothing was written.");
		return;
	}
	try {
		const now = await get(open.key);
		if (equal(now.bytes, bytes)) {
			stored(now, `Saved ${bytes.length.toLocaleString("en")} bytes.`);
			return;
		}
		await compare(now, bytes, "Somebody else has changed this key", "Your value was written, and replaced since.");
	} catch (error) {
		throw new Error(`Saved. But reading it again failed: ${error.message}`);
	}
}

async function removeKey() {
	const key = open.key;

	if (!await question("Delete this key?", visible(key), "Delete"))
		return;
	if (!await change("DELETE"))
		throw new Error("Somebody else has changed or deleted this key. Nothing was deleted. Read it again.");
	close();
	keys.remove(key);
	say("Deleted.");
}

// compare: shows what is stored beside what the user wanted to store, and lets them choose.
async function compare(now, mine, title, text) {
	const [theirs, gone] = [now.bytes, now.etag === null];

	$("conflict-title").textContent = title;
	$("conflict-text").textContent = text;
	$("theirs").value = gone ? "" : show(theirs, best(theirs));
	$("theirs").placeholder = gone ? "The key is not there." : "";
	$("ours").value = show(mine, best(mine));
	$("take-theirs").disabled = gone;
	const choice = await choose("conflict");
	if (choice === "theirs") {
		stored(now, "This is what is stored.");
		return;
	}
	// The user has seen what is stored now: the next change replaces exactly that.
	Object.assign(open, { etag: now.etag, stored: now.bytes, bytes: mine, unknown: null });
	$("remove").disabled = $("reload").disabled = gone;
	if (choice === "mine")
		await save();
	else
		say("Your text is still in the editor. “Save” replaces what is stored now.");
	$("content").focus();
}

// settle: finds out what became of a change that nobody knew the outcome of.
async function settle({ method, bytes }) {
	const [before, key, now] = [open.stored, open.key, await get(open.key)];

	if (method === "DELETE") {
		if (now.etag !== null) {
			stored(now, "The key is still there: it was not deleted.");
			return;
		}
		close();
		keys.remove(key);
		say("The key is not there any more.");
	} else if (now.etag !== null && equal(now.bytes, bytes)) {
		stored(now, "What is stored is what you saved.");
	} else if (equal(now.bytes, before) && (now.etag === null) === (open.etag === null)) {
		Object.assign(open, { etag: now.etag, unknown: null });
		say("It was not saved: what is stored is what was there before. Your text is still in the editor.");
	} else {
		await compare(now, bytes, "Stored now is something else",
			"Either your value was not written, or somebody else has replaced it since.");
	}
}

async function reload() {
	if (open.unknown)
		await settle(open.unknown);
	else
		await read(open.key);
}

function download() {
	const link = document.createElement("a");

	link.href = URL.createObjectURL(new Blob([edited()], { type: "application/octet-stream" }));
	link.download = open.key.replace(/[^\w.-]+/g, "_").slice(0, 100) || "value";
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function changeForm(radio) {
	try {
		const bytes = edited();
		const text = show(bytes, radio.value);
		if (text === null && bytes.length > 0)
			throw new Error(`These bytes cannot be shown as ${radio.value}.`);
		open.bytes = bytes;
		open.form = radio.value;
		$("content").value = text ?? "";
	} catch (error) {
		setRadio(open.form);
		complain(error);
	}
}

function setRadio(form) {
	for (const radio of radios)
		radio.checked = radio.value === form;
}

for (const radio of radios)
	radio.addEventListener("change", () => changeForm(radio));
keys.onChosen(read);
on("save", "click", alone(save));
on("reload", "click", reload);
on("remove", "click", alone(removeKey));
on("download", "click", download);
on("close", "click", async () => await mayLeave() && close());
