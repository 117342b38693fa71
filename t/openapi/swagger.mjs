// /swagger/ in a browser, as a person uses it.
//
// usage: swagger.mjs BASE OPERATIONS
//
// BASE is a demonstration's address, OPERATIONS how many there are to be
// shown.  A line "ok - what" or "not ok - what: why" for each thing looked
// for; exit 1 when the browser itself fails.

import { openBrowser } from "../../web/test/chromium.js";

const [base, operations] = [process.argv[2], Number(process.argv[3])];

function expect(what, fine, why = "") {
  console.log(fine ? `ok - ${what}` : `not ok - ${what}: ${why}`);
}

const { browser, close } = await openBrowser();

try {
  const page = await browser.newPage();
  const complaints = [];
  const strangers = [];

  // The policy's violations are among the console's errors.
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      complaints.push(message.text());
    }
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${base}/`) && !url.startsWith("data:")) {
      strangers.push(url);
    }
  });

  const response = await page.goto(`${base}/swagger/`);
  expect("the page is there", response.status() === 200, response.status());
  const policy = response.headers()["content-security-policy"] ?? "";
  expect("nothing inline is let in",
    policy.includes("default-src 'none'") && !policy.includes("unsafe"),
    policy);

  await page.locator(".opblock").first().waitFor();
  const shown = await page.locator(".opblock").count();
  expect(`all ${operations} operations are shown`, shown === operations,
    shown);

  // Reading: a list of two products.
  const list = page.locator("#operations-Products-products");
  await list.locator(".opblock-summary-control").click();
  await list.locator("tr[data-param-name=limit] input").fill("2");
  await list.locator("button.execute").click();
  const read = list.locator(".live-responses-table");
  await read.waitFor();
  const [status, body] = await Promise.all(
    [".response-col_status", ".highlight-code"].map((part) =>
      read.locator(".response").locator(part).first().innerText()),
  );
  expect("GET of products answers with products",
    status.includes("200") && body.includes("Câble USB-C 2m"),
    `${status} ${body.slice(0, 200)}`);

  // Writing: the demonstration's token is there already.
  const create = page.locator("#operations-Products-product_create");
  await create.locator(".opblock-summary-control").click();
  await create.locator("button.execute").click();
  const written = create.locator(".live-responses-table");
  await written.waitFor();
  const outcome = await written.locator(".response .response-col_status")
    .first().innerText();
  expect("POST of a product takes the token that is filled in",
    outcome.includes("201"), outcome);

  // In dark: its texts are lighter than what they stand on, and the other way
  // round in light.
  for (const colorScheme of ["dark", "light"]) {
    const other = await browser.newPage({ colorScheme });
    // The document is long, and the machine may be busy.
    other.setDefaultTimeout(120000);
    await other.goto(`${base}/swagger/`);
    await other.locator(".opblock").first().waitFor();
    const [ground, text] = await other.evaluate(() => {
      const light = (colour) =>
        colour.match(/[\d.]+/g).slice(0, 3).reduce((sum, one) => sum + +one, 0);
      const grounds = [];
      for (let node = document.querySelector(".info .title"); node;
        node = node.parentElement) {
        grounds.push(getComputedStyle(node).backgroundColor);
      }
      const seen = grounds.find((one) => !/, 0\)$/.test(one));
      return [
        light(seen ?? "rgb(255, 255, 255)"),
        light(getComputedStyle(document.querySelector(".info .title")).color),
      ];
    });
    expect(`it can be read in ${colorScheme}`,
      colorScheme === "dark" ? text > ground + 300 : ground > text + 300,
      `${text} on ${ground}`);
    await other.close();
  }

  if (process.env.SCREENSHOT) {
    await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true });
  }
  expect("nobody else is asked", strangers.length === 0, strangers.join(" "));
  expect("the console has no complaint", complaints.length === 0,
    complaints.join(" | "));
} finally {
  await close();
}
