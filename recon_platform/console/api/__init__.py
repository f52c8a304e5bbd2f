"""The JSON API: the service functions of the pages for programs, described by OpenAPI."""
