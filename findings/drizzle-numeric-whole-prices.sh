#!/bin/bash
# Drizzle 0.45.4's `numeric()` on SQLite keeps the whole prices of a column as integers beside the
# others as reals, and gives back other text than it took.
#
# The column's type in TypeScript is a string, as on PostgreSQL, where "19.90" comes back as
# "19.90". On SQLite the affinity of NUMERIC decides: "19.90" is the real 19.9 and comes back as
# "19.9"; "1000.00" is the integer 1000, as is "1e3". So one column of prices in euros holds both
# storage classes, and a school whose prices are all whole holds integers alone: whoever imports it
# and takes integers for cents, since "decimals would be reals or text", sells everything for a
# hundredth. The storage class decides nothing; the declared type and what was paid at the payment
# service do.
#
# Seen on 2026-11-29 with Node.js 20 and @libsql/client 0.18.0:
#   19.90 -> real 19.9, read as "19.9"
#   1000.00 -> integer 1000, read as "1000"
#   0.10 -> real 0.1, read as "0.1"
#   1e3 -> integer 1000, read as "1000"
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

npm install --silent --no-save --prefix . drizzle-orm@0.45.4 @libsql/client@0.18.0

cat > prices.mjs <<'EOF'
import { createClient } from "@libsql/client";
import { asc } from "drizzle-orm";
import { drizzle } from "drizzle-orm/libsql";
import { integer, numeric, sqliteTable } from "drizzle-orm/sqlite-core";

const client = createClient({ url: ":memory:" });
const db = drizzle(client);
const courses = sqliteTable("courses", { id: integer().primaryKey(), price: numeric().notNull() });
await client.execute("CREATE TABLE courses (id INTEGER PRIMARY KEY, price NUMERIC NOT NULL)");
const given = ["19.90", "1000.00", "0.10", "1e3"];
await db.insert(courses).values(given.map((price) => ({ price })));
const read = await db.select().from(courses).orderBy(asc(courses.id));
const stored = await client.execute("SELECT typeof(price) AS kind, price FROM courses ORDER BY id");
given.forEach((price, index) => {
  const { kind, price: value } = stored.rows[index];
  console.log(`${price} -> ${kind} ${value}, read as "${read[index].price}"`);
});
EOF
node prices.mjs | tee seen

diff - seen <<'EOF'
19.90 -> real 19.9, read as "19.9"
1000.00 -> integer 1000, read as "1000"
0.10 -> real 0.1, read as "0.1"
1e3 -> integer 1000, read as "1000"
EOF
