"""Bihuan 闭环: the services. `services.run` starts any of them."""
