/** The page's one door to the library. */
export { Longtab, isLongtabError } from "longtab";
export type {
  Availability,
  CatalogueEntry,
  ChatMessage,
  LoadedModel,
  LoadPhase,
  LoadProgress,
  ModelReference,
  StorageEstimate,
  StoredModel,
  Usage,
} from "longtab";
