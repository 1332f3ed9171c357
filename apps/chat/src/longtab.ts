/** The page's one door to the library. */
export { Longtab, isLongtabError } from "longtab";
export type {
  Availability,
  BackendChoice,
  BackendKind,
  CatalogueEntry,
  ChatMessage,
  LoadedModel,
  ModelInfo,
  LoadPhase,
  LoadProgress,
  ModelReference,
  StorageEstimate,
  StoredModel,
  Usage,
} from "longtab";
