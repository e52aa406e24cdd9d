"""A notes API: everybody has their own notes, and the token says what may be done with them."""

import itertools
import os

from auth import Authenticate, permit
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel

issuer = os.environ.get("ISSUER", "http://127.0.0.1:8080")
authenticate = Authenticate(issuer, os.environ.get("AUDIENCE", issuer))

app = FastAPI()
notes: dict[int, dict] = {}
ids = itertools.count(1)


class Draft(BaseModel):
    text: str


@app.get("/notes")
def read(caller: dict = Depends(permit(authenticate, "notes:read"))):
    own = [note for note in notes.values() if note["owner"] == caller["sub"]]
    return [{"id": note["id"], "text": note["text"]} for note in own]


@app.post("/notes", status_code=201)
def create(draft: Draft, caller: dict = Depends(permit(authenticate, "notes:create"))):
    note = {"id": next(ids), "text": draft.text, "owner": caller["sub"]}
    notes[note["id"]] = note
    return {"id": note["id"], "text": note["text"]}


@app.delete("/notes/{id}", status_code=204)
def delete(id: int, caller: dict = Depends(permit(authenticate, "notes:delete"))):
    # Somebody else's note is not there.
    if notes.get(id, {}).get("owner") != caller["sub"]:
        raise HTTPException(404)
    del notes[id]
