// SPDX-License-Identifier: EPL-2.0
// main: signing in and out, and what the forms of the page do.
import { checkToken, namespaces, publicAddress, session } from "./api.js";
import { showKeys, showMore } from "./keys.js";
import { $, choose, on, onRefusedToken, say } from "./page.js";
import * as value from "./value.js";

async function signIn() {
	const workspace = session.workspace;

	session.begin($("base").value, $("token").value, $("workspace").value);
	say("Signing in …");
	try {
		await checkToken();
	} catch (error) {
		session.dropToken();
		throw error;
	}
	$("token").value = "";
	if (workspace !== session.workspace)
		forgetWorkspace();
	showStore();
	say(`Signed in to ${session.workspace}.`);
	await offerNamespaces();
}

async function offerNamespaces() {
	$("namespaces").replaceChildren(...(await namespaces()).map((name) => {
		const option = document.createElement("option");
		option.value = name;
		return option;
	}));
}

function showStore() {
	$("sign-in").hidden = true;
	$("store").hidden = $("sign-out").hidden = false;
	$("namespace").focus();
}

// askForToken: what is being edited stays, out of sight, until somebody has signed in again.
function askForToken() {
	session.dropToken();
	$("store").hidden = $("sign-out").hidden = true;
	$("sign-in").hidden = false;
	$("token").focus();
}

function forgetWorkspace() {
	value.close();
	$("list").hidden = true;
	$("keys").replaceChildren();
	$("namespace").value = $("prefix").value = "";
}

async function signOut() {
	if (!await value.mayLeave())
		return;
	forgetWorkspace();
	$("namespaces").replaceChildren();
	askForToken();
	session.end();
	say("Signed out. The token is forgotten.");
}

async function showNamespace() {
	if (!await value.mayLeave())
		return false;
	value.close();
	return await showKeys();
}

async function newKey() {
	if (!$("choose").reportValidity())
		return;
	$("create-key").value = "";
	if (await choose("create") === "create" && await showNamespace())
		value.create($("create-key").value);
}

async function begin() {
	onRefusedToken(askForToken);
	on("sign-in", "submit", signIn);
	on("sign-out", "click", signOut);
	on("choose", "submit", showNamespace);
	on("more", "click", showMore);
	on("new", "click", newKey);
	addEventListener("beforeunload", (event) => value.isChanged() && event.preventDefault());
	$("workspace").value = session.workspace;
	if (session.token) {
		$("base").value = session.base;
		showStore();
		await offerNamespaces();
	} else {
		$("token").focus();
		$("base").value = session.base || await publicAddress();
	}
	document.documentElement.dataset.ready = "yes";
}

begin();
