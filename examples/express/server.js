// A notes API: everybody has their own notes, and the token says what may be done with them.

import express from "express";
import { authenticate, permit } from "./auth.js";

const issuer = process.env.ISSUER ?? "http://127.0.0.1:8080";
const audience = process.env.AUDIENCE ?? issuer;
const port = Number(process.env.PORT ?? 3001);

const notes = new Map();
let last = 0;

const app = express();
app.disable("x-powered-by");
app.use(authenticate(issuer, audience));
app.use(express.json());

app.get("/notes", permit("notes:read"), (request, response) => {
  const own = [...notes.values()].filter((note) => note.owner === request.claims.sub);
  response.json(own.map(({ id, text }) => ({ id, text })));
});

app.post("/notes", permit("notes:create"), (request, response) => {
  const text = request.body?.text;
  if (typeof text !== "string") return response.status(400).json({ status: 400 });
  const note = { id: ++last, text, owner: request.claims.sub };
  notes.set(note.id, note);
  response.status(201).json({ id: note.id, text });
});

app.delete("/notes/:id", permit("notes:delete"), (request, response) => {
  const id = Number(request.params.id);
  // Somebody else's note is not there.
  if (notes.get(id)?.owner !== request.claims.sub) return response.status(404).json({ status: 404 });
  notes.delete(id);
  response.status(204).end();
});

const server = app.listen(port, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
