"""Pages for everybody: HTML that needs no sign-in, no JavaScript and nothing from elsewhere.

A service makes one `Pages` of its folder of templates and its `Wording`, and answers with `pages.answer(request,
"some.html", ...)`. Its router is `page_router()`: every refusal on its paths is then a page too. Templates extend
`public.html` and draw forms with the macros of `fields.html`, from a `Filled`. POST endpoints begin with
`await read_form(request)`, which refuses other sites, files, and more than a form; they end with `see_other(...)`.
"""
