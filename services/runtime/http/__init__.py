"""HTTP: apps, problem documents, lists, and the server that bounds what it takes."""
