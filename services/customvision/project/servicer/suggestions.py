"""The calls about suggestions."""

from typing import Any

from customvision.project.domain.suggestion import Suggestion, SuggestionFilter, SuggestionOrder
from customvision.project.servicer.conversions import member_of, timestamp_of
from customvision.project.servicer.tag_probabilities import answer_messages, answer_of
from customvision.project.use_cases.pages import PageRequest
from customvision.project.use_cases.suggestions import Suggestions
from customvision.v1 import suggestions_pb2


class SuggestionMethods:
    """Translates the calls about suggestions."""

    _suggestions: Suggestions

    async def RecordSuggestions(
        self, request: suggestions_pb2.RecordSuggestionsRequest, context: Any
    ) -> suggestions_pb2.RecordSuggestionsResponse:
        """Keeps what a model answers to untagged images."""
        answers = [(entry.image_id, answer_of(entry.predictions)) for entry in request.suggestions]
        kept = await self._suggestions.record(request.project_id, request.iteration_id, answers)
        return suggestions_pb2.RecordSuggestionsResponse(suggestions=map(_message, kept))

    async def ListSuggestions(
        self, request: suggestions_pb2.ListSuggestionsRequest, context: Any
    ) -> suggestions_pb2.ListSuggestionsResponse:
        """Returns one page of an iteration's suggestions."""
        page = await self._suggestions.page(_filter(request), PageRequest(request.page_size, request.page_token))
        return suggestions_pb2.ListSuggestionsResponse(
            suggestions=map(_message, page.items), next_page_token=page.next_page_token
        )

    async def CountSuggestions(
        self, request: suggestions_pb2.CountSuggestionsRequest, context: Any
    ) -> suggestions_pb2.CountSuggestionsResponse:
        """Returns how many images each tag is suggested for."""
        counts = await self._suggestions.counts(
            request.project_id, request.iteration_id, list(request.tag_ids), request.threshold
        )
        return suggestions_pb2.CountSuggestionsResponse(counts=counts)


def _filter(request: suggestions_pb2.ListSuggestionsRequest) -> SuggestionFilter:
    return SuggestionFilter(
        project_id=request.project_id,
        iteration_id=request.iteration_id,
        tag_ids=tuple(sorted(set(request.tag_ids))),
        threshold=request.threshold,
        order=member_of(
            SuggestionOrder,
            suggestions_pb2.SuggestionOrder,
            request.order,
            field="order",
            default=SuggestionOrder.LEAST_CERTAIN_FIRST,
        ),
    )


def _message(suggestion: Suggestion) -> suggestions_pb2.Suggestion:
    return suggestions_pb2.Suggestion(
        image_id=suggestion.image_id,
        project_id=suggestion.project_id,
        iteration_id=suggestion.iteration_id,
        predictions=answer_messages(suggestion.predictions),
        uncertainty=suggestion.uncertainty,
        create_time=timestamp_of(suggestion.create_time),
    )
