// SPDX-License-Identifier: EPL-2.0
// page: messages, questions, and the handlers of buttons.  All text that comes from outside reaches
// the page as text, never as markup.

export const $ = (id) => document.getElementById(id);

// What to do when the token is refused; set by main.js.
let refused = () => {};
export const onRefusedToken = (work) => { refused = work; };

export function say(text) {
	$("status").textContent = text;
	$("problem").textContent = "";
}

export function complain(error) {
	$("status").textContent = "";
	$("problem").textContent = error.message;
	if (error.status === 401)
		refused();
}

// act: a handler that runs this work; the page stays usable whatever becomes of it.
export function act(work) {
	return async (event) => {
		event.preventDefault();
		try {
			await work(event);
		} catch (error) {
			complain(error);
		}
	};
}

export const on = (id, event, work) => $(id).addEventListener(event, act(work));

// alone: work that is not begun again while it is under way, as by a second click.
export function alone(work) {
	let busy = false;

	return async (event) => {
		if (busy)
			return;
		busy = true;
		try {
			await work(event);
		} finally {
			busy = false;
		}
	};
}

// choose: shows a dialog; the value of the button that closed it, "" for Escape.
export function choose(id) {
	const dialog = $(id);

	dialog.returnValue = "";
	dialog.showModal();
	return new Promise((resolve) => {
		dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
	});
}

// question: whether the user says yes.
export async function question(title, text, yes) {
	$("question-title").textContent = title;
	$("question-text").textContent = text;
	$("question-yes").textContent = yes;
	return await choose("question") === "yes";
}
