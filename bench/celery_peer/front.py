"""The peer's front: take a file by HTTP, put it into the store, tell a worker."""

import uuid

from fastapi import FastAPI, UploadFile
from tasks import BUCKET, map_file, states, store

app = FastAPI()


@app.get("/ready")
def ready() -> dict[str, bool]:
    """Say that requests are taken."""
    return {"ready": True}


@app.post("/api/v1/jobs/upload", status_code=201)
def upload(content_file: UploadFile) -> dict[str, str]:
    """Store the file, note the job, enqueue it."""
    job = uuid.uuid4().hex
    store.put_object(BUCKET, f"inbox/{job}", content_file.file, content_file.size or 0)
    states.set(f"job:{job}", '{"state": "PENDING"}')
    map_file.delay(job)
    return {"job_id": job}
