// SPDX-License-Identifier: EPL-2.0
// api: asks the public API (docs/api.md) with the user's token, and says in words what a refusal
// means.  The token is kept in sessionStorage only, so it ends with the tab.

const PAGE = 500; // keys that are asked for at once

export const session = {
	get base() { return sessionStorage.getItem("base") || ""; },
	get token() { return sessionStorage.getItem("token") || ""; },
	get workspace() { return sessionStorage.getItem("workspace") || ""; },
	begin(base, token, workspace) {
		sessionStorage.setItem("base", base.trim().replace(/\/+$/, ""));
		sessionStorage.setItem("token", token.replace(/\s+/g, "").replace(/^Bearer/i, ""));
		sessionStorage.setItem("workspace", workspace.trim());
	},
	dropToken() { sessionStorage.removeItem("token"); },
	end() { sessionStorage.clear(); },
};

// The service said no.  status 0: it was not reached, or its answer did not arrive.
// unknown: a write that may or may not have happened.
export class Refused extends Error {
	constructor(status, message, unknown = false) {
		super(message);
		this.status = status;
		this.unknown = unknown;
	}
}

const EXPLAINED = {
	401: "The token was refused: it is wrong or has expired. Sign in with a new one.",
	404: "There is no such key.",
	412: "The key was changed meanwhile. Nothing was written.",
	413: "The value is larger than the service accepts. Nothing was written.",
};

const UNREACHED = "The service cannot be reached at this address, or this console is not allowed to call it " +
	"(HULYKVS_PUBLIC_URL of the web server's configuration names another address).";
const BROKEN = "The connection broke, so it is not known whether the change was made. " +
	"Wait ten seconds, then press “Read again”.";
const UNKNOWN = "Outcome unknown: the change may or may not have been made. Press “Read again” to see what is stored.";

function refusal(method, status, text) {
	const write = method === "PUT" || method === "DELETE";

	if (write && status === 503 && text.startsWith("Outcome unknown"))
		return new Refused(status, UNKNOWN, true);
	if (write && (status === 502 || status === 504))
		return new Refused(status, BROKEN, true);
	if (status === 403)
		return new Refused(status, `This token may not do that: ${text}.`);
	if (status === 503)
		return new Refused(status, `${text}. ${write ? "Nothing was changed; try" : "Try"} again in a few seconds.`);
	return new Refused(status, EXPLAINED[status] || text || `The service answered with status ${status}.`);
}

// ask: a Response of 2xx; throws Refused for everything else.
export async function ask(method, path, { headers = {}, body } = {}) {
	let answer, text;

	try {
		answer = await fetch(session.base + path, {
			method,
			headers: { Authorization: `Bearer ${session.token}`, ...headers },
			body,
			cache: "no-store",
			credentials: "omit",
			redirect: "error",
			referrerPolicy: "no-referrer",
		});
		if (answer.ok)
			return answer;
		text = await answer.text();
	} catch {
		throw method === "GET" ? new Refused(0, UNREACHED) : new Refused(0, BROKEN, true);
	}
	throw refusal(method, answer.status, text);
}

// A URL has no form for a segment "." or "..": every browser takes it out of the path.
function segment(name) {
	if (name === "." || name === "..")
		throw new Refused(0, `A browser cannot ask for the name “${name}”. Use another client for it.`);
	return encodeURIComponent(name);
}

const namespacePath = (namespace) => `/api2/${segment(session.workspace)}/${segment(namespace)}`;
export const keyPath = (namespace, key) => `${namespacePath(namespace)}/${segment(key)}`;

// askPage: { entries: [{ key, size, modified }], cursor }; cursor null: there are no more.
export async function askPage(namespace, prefix, cursor) {
	const query = new URLSearchParams({ limit: String(PAGE), include: "metadata" });

	if (prefix)
		query.set("prefix", prefix);
	if (cursor)
		query.set("cursor", cursor);
	const page = await (await ask("GET", `${namespacePath(namespace)}?${query}`)).json();
	// A service that does not know include=metadata answers with the keys alone.
	return { entries: page.entries || page.keys.map((key) => ({ key })), cursor: page.cursor || null };
}

// checkToken: throws Refused where the token is of no use here.  A rule may deny the namespace that is asked
// for, and allow others.
export async function checkToken() {
	try {
		await ask("GET", `${namespacePath("console")}?limit=1`);
	} catch (error) {
		if (error.status !== 403 || !error.message.includes("Namespace forbidden"))
			throw error;
	}
}

// namespaces: their names; none where this token or service has no list of them.
export async function namespaces() {
	try {
		return (await (await ask("GET", `/api2/${segment(session.workspace)}`)).json()).namespaces
			.map((one) => typeof one === "string" ? one : one.namespace);
	} catch {
		return [];
	}
}

// publicAddress: the address of the API as the web server of this page tells it; "*" is the host of the page.
export async function publicAddress() {
	let told = null;

	try {
		told = (await fetch("./", { method: "HEAD", cache: "no-store" })).headers.get("Hulykvs-Public");
	} catch {
		// The field below can be edited.
	}
	return (told || "http://*:8094").replace("*", location.hostname);
}
