"""A model that does nothing with a request that says nothing: what is left is the way there and back."""

import litserve as ls


class Empty(ls.LitAPI):
    def predict(self, request):
        return request
