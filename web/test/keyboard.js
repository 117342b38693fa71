// A scanner for the tests: its keys come when it says, however busy the machine
// is.

const KEY = 20;

const codeOf = (key) =>
    /\d/.test(key) ? `Digit${key}` : /[a-z]/i.test(key) ? `Key${key}` : "";

// later: seconds after what was typed before; every: milliseconds from key to key
export async function scan(tab, text, { later = 2, every = KEY } = {}) {
    const session = await tab.context().newCDPSession(tab);
    let time = Date.now() / 1000 + later;
    const press = ([key, code, sign]) => {
        time += every / 1000;
        return ["keyDown", "keyUp"].map((type) =>
            session.send("Input.dispatchKeyEvent", {
                type,
                key,
                code,
                text: type === "keyDown" ? sign : undefined,
                windowsVirtualKeyCode: key === "Enter" ? 13 : 0,
                timestamp: time,
            }),
        );
    };

    await Promise.all(
        [
            ...Array.from(text, (sign) => [sign, codeOf(sign), sign]),
            ["Enter", "Enter", "\r"],
        ].flatMap(press),
    );
    await session.detach();
}
