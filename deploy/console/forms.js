// SPDX-License-Identifier: EPL-2.0
// forms: the forms that the bytes of a value are shown and edited in: "json", "text" and "hex".

function decode(bytes) {
	try {
		return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		return null;
	}
}

// A text field would change some of these, and none of the others can be seen.
function asText(bytes) {
	const text = decode(bytes);

	// eslint-disable-next-line no-control-regex
	return text === null || /[\u0000-\u0008\u000b-\u001f]/.test(text) ? null : text;
}

// Without the white space between the tokens; strings and numbers stay as they are.
const compact = (text) => text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");

function asJson(bytes) {
	const text = asText(bytes);

	if (text === null)
		return null;
	try {
		const pretty = JSON.stringify(JSON.parse(text), null, 2);
		// What JavaScript cannot hold exactly (large numbers, members that come twice) is shown as it is stored.
		return compact(pretty) === compact(text) ? pretty : text;
	} catch {
		return null;
	}
}

function asHex(bytes) {
	const lines = [];

	for (let at = 0; at < bytes.length; at += 16)
		lines.push(Array.from(bytes.subarray(at, at + 16), (b) => b.toString(16).padStart(2, "0")).join(" "));
	return lines.join("\n");
}

function fromHex(text) {
	const digits = text.replace(/\s+/g, "");

	if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits))
		throw new Error("Hex has two digits, of 0 to 9 and a to f, for each byte.");
	return Uint8Array.from(digits.match(/../g) || [], (pair) => parseInt(pair, 16));
}

// show: the text for the editor; null where these bytes have no such form.
export function show(bytes, form) {
	return form === "hex" ? asHex(bytes) : form === "json" ? asJson(bytes) : asText(bytes);
}

// best: the form that a reader wants to see first.
export function best(bytes) {
	return ["json", "text", "hex"].find((form) => form === "hex" || show(bytes, form) !== null);
}

// parse: the bytes of an edited text; throws Error in words where it has none.  JSON that was stored
// without white space is stored so again.
export function parse(text, form, before) {
	if (form === "hex")
		return fromHex(text);
	if (form === "json") {
		try {
			JSON.parse(text);
		} catch (error) {
			throw new Error(`This is not JSON: ${error.message}`);
		}
		const old = decode(before);
		if (before.length > 0 && old === compact(old))
			text = compact(text);
	}
	return new TextEncoder().encode(text);
}

export function equal(a, b) {
	return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

// visible: a name with everything that could hide or turn around what it says, as \u{…}.
export function visible(name) {
	const escape = (char) => `\\u{${char.codePointAt(0).toString(16)}}`;

	return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, escape).replace(/^\p{Zs}+|\p{Zs}+$/gu,
		(spaces) => [...spaces].map(escape).join(""));
}
